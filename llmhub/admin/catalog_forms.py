"""Forms of the catalog: lists of words as check boxes, JSON where it is JSON."""

from collections.abc import Iterable
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from llmhub.base.model_types import ModelType
from providers.models import Capability, LLMFactory, Tag


def _checkboxes(words: Iterable[str], *, required: bool) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=[(word, word) for word in words],
        required=required,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class FactoryForm(forms.ModelForm):  # type: ignore[type-arg]
    tags = _checkboxes([tag.value for tag in Tag], required=False)

    def clean_regions(self) -> list[Any]:
        """A form that was left empty means none."""
        return self.cleaned_data["regions"] or []

    def clean(self) -> dict[str, Any]:
        """A model needs an endpoint for each of its types."""
        cleaned: dict[str, Any] = super().clean() or {}
        endpoints = cleaned.get("endpoints")
        if self.instance.pk and isinstance(endpoints, dict) and "endpoints" in self.changed_data:
            for model_type in _types_in_use(self.instance) - set(endpoints):
                self.add_error(
                    "endpoints", f"{model_type} is missing; models of this factory use it."
                )
        return cleaned


class LLMForm(forms.ModelForm):  # type: ignore[type-arg]
    model_types = _checkboxes([model_type.value for model_type in ModelType], required=True)
    capabilities = _checkboxes([capability.value for capability in Capability], required=False)

    def clean(self) -> dict[str, Any]:
        """A model's types are served by an endpoint of its factory."""
        cleaned: dict[str, Any] = super().clean() or {}
        factory = cleaned.get("factory") or (self.instance.factory if self.instance.pk else None)
        if factory is not None:
            for model_type in set(cleaned.get("model_types", ())) - set(factory.endpoints):
                self.add_error("model_types", f"{factory.name} has no endpoint for {model_type}.")
        return cleaned


def _types_in_use(factory: LLMFactory) -> set[str]:
    active = factory.llms.filter(is_active=True).values_list("model_types", flat=True)
    return {model_type for model_types in active for model_type in model_types}
