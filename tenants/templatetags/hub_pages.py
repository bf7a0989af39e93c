"""How the pages write numbers and states."""

from django import template
from django.utils.translation import gettext_lazy as _

register = template.Library()

_STATES = {
    "": _("Ready"),
    "model_disabled": _("Switched off"),
    "connection_disabled": _("Connection off"),
    "connection_invalid_key": _("Key not accepted"),
    "factory_disabled": _("Provider off in the catalog"),
    "catalog_model_disabled": _("Model off in the catalog"),
    "protocol_not_supported": _("Not supported yet"),
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
def in_words(reason: str) -> str:
    """Why a call to a model would be refused; a code that has no words yet is shown as it is."""
    return str(_STATES.get(reason, reason.replace("_", " ")))


@register.filter
def grouped(number: int) -> str:
    """1234567 as 1 234 567, with thin spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")
