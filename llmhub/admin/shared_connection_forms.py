"""The form of a shared connection, built from what its factory asks for."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget
from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

from llmhub.base.errors import HubError
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.credentials import CredentialField
from providers.pricing import FIGURE_NAMES
from providers.selectors import CatalogFactory, factory_get, factory_list
from tenants.llms.provider_facts import (
    address_read,
    credentials_for_new_address,
    credentials_read,
    key_hint,
)
from tenants.models import Tenant
from tenants.selectors.shared_connections import shared_connection_exists
from tenants.services.shared_connections import SharedConnectionFacts, SharedModelFacts

PREFIX = "credential_"
_KEPT = "Blank keeps the stored one, unless the address changes."


class FactoryChoiceForm(forms.Form):
    """The first step: which kind of provider. Its fields are known only then."""

    llm_factory = forms.ChoiceField(label="Provider", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [factory.name for factory in factory_list()]
        choice = self.fields["llm_factory"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(name, name) for name in names]


class SharedConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """`factory` and the fields of its credentials are put in by `connection_form`."""

    factory: CatalogFactory

    class Meta:
        labels = {"base_url": "Base URL", "granted_to": "Or to these tenants"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_url = self.instance.base_url
        self.instance.llm_factory = self.factory.name
        if "base_url" in self.fields:
            self.fields["base_url"].help_text = _address_help(self.factory)
        # None keeps the stored credentials.
        self.credentials: Mapping[str, str | Secret] | None = None

    @property
    def is_new(self) -> bool:
        return bool(self.instance._state.adding)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.is_new and shared_connection_exists(llm_factory=self.factory.name, name=name):
            raise forms.ValidationError(f"{self.factory.name} has a shared connection {name}.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        try:
            address = address_read(self.factory, cleaned.get("base_url", ""))
            cleaned["base_url"] = address.url
            self.credentials = self._credentials(cleaned)
        except HubError as error:
            self._tell(error)
        return cleaned

    def facts(self, models: tuple[SharedModelFacts, ...]) -> SharedConnectionFacts:
        """What the service is to store, once the form is valid."""
        return SharedConnectionFacts(
            llm_factory=self.factory.name,
            name=self.cleaned_data.get("name", self.instance.name),
            base_url=self.cleaned_data["base_url"],
            models=models,
            credentials=self.credentials,
            key_hint=key_hint(self.factory, self.credentials or {}),
            is_granted_to_all=self.cleaned_data["is_granted_to_all"],
            granted_to=self._granted_to(),
        )

    def _granted_to(self) -> tuple[Tenant, ...]:
        return tuple(self.cleaned_data["granted_to"])

    def _credentials(self, cleaned: dict[str, Any]) -> Mapping[str, str | Secret] | None:
        given = {
            name.removeprefix(PREFIX): value
            for name, value in cleaned.items()
            if name.startswith(PREFIX) and value
        }
        if given or self.is_new:
            return credentials_read(self.factory, given)
        if cleaned["base_url"] != self.stored_url:
            return credentials_for_new_address(self.factory)
        return None

    def _tell(self, error: HubError) -> None:
        """Beside the field that the service named."""
        named = str(error.details.get("field", ""))
        secrets = [name for name in self.fields if name.startswith(PREFIX)]
        field = {"api_base": "base_url", "api_key": next(iter(secrets), None)}.get(
            named, PREFIX + named.removeprefix("api_key.")
        )
        self.add_error(field if field in self.fields else None, error.message)


class SharedModelForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        labels = {
            "llm_name": "Model",
            "model_type": "Type",
            "max_tokens": "Context (tokens)",
            "input_usd_per_mtok": "Input, USD/Mtok",
            "output_usd_per_mtok": "Output, USD/Mtok",
            "cached_input_usd_per_mtok": "Cached, USD/Mtok",
            "cache_write_usd_per_mtok": "Cache write, USD/Mtok",
            "input_audio_usd_per_mtok": "Audio in, USD/Mtok",
            "output_audio_usd_per_mtok": "Audio out, USD/Mtok",
            "usd_per_image": "USD/image",
            "usd_per_mchar": "USD/Mchar",
            "usd_per_second": "USD/second",
            "usd_per_request": "USD/request",
        }


class SharedModelFormSet(PaginationInlineFormSet):
    """Models of a connection; each of a type that its factory has an address for."""

    def clean(self) -> None:
        super().clean()
        types = {t.value for t in factory_get(name=self.instance.llm_factory).model_types}
        for form in self.forms:
            model_type = form.cleaned_data.get("model_type") if form.is_valid() else None
            if model_type and model_type not in types:
                said = f"{self.instance.llm_factory} serves {', '.join(sorted(types))}."
                form.add_error("model_type", said)

    def facts(self) -> tuple[SharedModelFacts, ...]:
        filled = (form.cleaned_data for form in self.forms if form.cleaned_data)
        return tuple(
            SharedModelFacts(
                llm_name=data["llm_name"],
                model_type=ModelType(data["model_type"]),
                max_tokens=data["max_tokens"],
                figures={name: data.get(name) for name in FIGURE_NAMES},
            )
            for data in filled
            if not data.get("DELETE")
        )


def credential_names(factory: CatalogFactory) -> tuple[str, ...]:
    return tuple(PREFIX + field["name"] for field in factory.credential_fields)


def connection_form(factory: CatalogFactory, *, is_new: bool) -> type[SharedConnectionForm]:
    asked = [CredentialField.from_json(raw) for raw in factory.credential_fields]
    attributes: dict[str, Any] = {PREFIX + field.name: _input(field, is_new) for field in asked}
    return type(
        "FactoryConnectionForm", (SharedConnectionForm,), {**attributes, "factory": factory}
    )


def _address_help(factory: CatalogFactory) -> str:
    if factory.base_url_required:
        return "Where its API answers, such as https://llm.example.com/v1."
    return "Blank uses the provider's own address."


def _input(asked: CredentialField, is_new: bool) -> forms.CharField:
    """Write-only: what was typed is not rendered again, also after an error elsewhere."""
    attrs = {"autocomplete": "off", "placeholder": asked.placeholder}
    secret = UnfoldAdminPasswordWidget(attrs={**attrs, "autocomplete": "new-password"})
    return forms.CharField(
        label=asked.label,
        required=is_new and asked.is_required,
        help_text=" ".join(filter(None, [asked.help, "" if is_new else _KEPT])),
        widget=secret if asked.is_secret else TextInput(attrs=attrs),
    )
