"""How the pages write numbers and states."""

from django import template
from django.utils.translation import gettext_lazy as _

from tenants.llms.selectors.overview import ModelLine
from tenants.models import ConnectionState

register = template.Library()

_STATES = {
    "": _("Ready"),
    "model_disabled": _("Switched off"),
    "connection_disabled": _("Connection off"),
    "connection_invalid_key": _("Key not accepted"),
    "factory_disabled": _("Provider off in the catalog"),
    "catalog_model_disabled": _("Model off in the catalog"),
    "protocol_not_supported": _("Not supported yet"),
    "connection_unverified": _("Not tested"),
    "connection_out_of_quota": _("Out of quota"),
    "connection_unreachable": _("Unreachable"),
}

STATE_COLOURS = {
    "unverified": "info",
    "valid": "success",
    "invalid_key": "danger",
    "out_of_quota": "warning",
    "unreachable": "danger",
}


@register.filter
def state_colour(state: str) -> str:
    """The colour of a connection's state, in the console's words."""
    return STATE_COLOURS.get(state, "")


@register.filter
def in_words(model: ModelLine) -> str:
    """Why a call to a model would be refused, or would hardly succeed; a code that has no words yet
    is shown as it is."""
    code = _code(model)
    return str(_STATES.get(code, code.replace("_", " ")))


@register.filter
def mood(model: ModelLine) -> str:
    """The state's look: `good`, `idle` where nothing is known, `off`."""
    return {"": "good", "connection_unverified": "idle"}.get(_code(model), "off")


def _code(model: ModelLine) -> str:
    if model.reason or model.connection_state == ConnectionState.VALID:
        return model.reason
    return f"connection_{model.connection_state}"


@register.filter
def grouped(number: int) -> str:
    """1234567 as 1 234 567, with thin spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")
