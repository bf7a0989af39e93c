"""The forms of the pages for people."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.utils.translation import gettext_lazy as _


class SignInForm(AuthenticationForm):
    """E-mail and password. The field is called `username` because password managers know it."""

    username = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    error_messages = {
        "invalid_login": _("E-mail and password do not match. Check both and try again."),
        "inactive": _("E-mail and password do not match. Check both and try again."),
    }


class OwnPasswordForm(PasswordChangeForm):
    """Changing one's own password. The view stores it: saving here would leave no audit row."""

    def save(self, commit: bool = True) -> Any:
        raise RuntimeError("the service user_set_password stores passwords")


class TenantSwitchForm(forms.Form):
    tenant = forms.UUIDField()
