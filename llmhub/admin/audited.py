"""What the console's pages have in common: services write, and each change leaves an audit row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin, TabularInline

from llmhub.base.errors import HubError
from tenants.actors import Actor
from tenants.audit.services import Change, operator_change
from tenants.models import User


@contextmanager
def audited(request: HttpRequest, action: str) -> Iterator[Change]:
    """The transaction of one change by the operator who is signed in."""
    with operator_change(actor=actor_of(request), action=action) as change:
        yield change


def actor_of(request: HttpRequest) -> Actor:
    """The operator who is signed in, for a service that writes its audit row itself."""
    if not isinstance(request.user, User):
        raise TypeError("the console serves users alone")
    return Actor.from_user(request.user, request.META.get("REMOTE_ADDR"))


class AuditedAdmin(ModelAdmin):
    """Rows are created and changed by the services that `row_create` and `row_update` call.

    Nothing is deleted unless a page says so: tenants refer to the catalog by name, so a row that is
    not wanted any more is switched off. An error of a service is shown above the page, and nothing
    has changed.
    """

    compressed_fields = True
    warn_unsaved_form = True

    def row_create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        raise NotImplementedError

    def row_update(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            self.row_update(request, obj, changed)
            return
        row = self.row_create(request, form.cleaned_data)
        obj.pk = row.pk
        obj._state.adding = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deletion of many rows at once: it would pass by the services."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        page = super().changeform_view
        return told(request, lambda: page(request, object_id, form_url, extra_context))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, str] | None = None
    ) -> Any:
        page = super().changelist_view
        return told(request, lambda: page(request, extra_context))


def told(request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
    """The page, or where a service refused: its reason in words above the page as it was."""
    try:
        return page()
    except HubError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(AuditedAdmin):
    """Rows are looked at here, and made elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """A table of what belongs to the row; each line leads to a page of its own."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
