"""Signing in and out, and changing one's own password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmhub.base.errors import HubError, RateLimited, ServiceUnavailable
from llmhub.base.secret import Secret
from tenants.actors import Actor
from tenants.models import User
from tenants.pages.forms import OwnPasswordForm, SignInForm
from tenants.services.sign_in import sign_in_attempt, sign_in_succeeded
from tenants.services.users import user_set_password


class _Counted:
    """A form that takes a password: attempts are counted before it is looked at."""

    request: HttpRequest

    def account(self) -> str:
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            sign_in_attempt(email=self.account(), address=request.META.get("REMOTE_ADDR"))
        except (RateLimited, ServiceUnavailable) as error:
            return self._refused(error)
        return super().post(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def password_was_right(self) -> None:
        address = self.request.META.get("REMOTE_ADDR")
        sign_in_succeeded(email=self.account(), address=address)

    def _refused(self, error: HubError) -> HttpResponse:
        context = self.get_context_data(form=None, refusal=_in_words(error))  # type: ignore[attr-defined]
        response: HttpResponse = self.render_to_response(context, status=error.http_status)  # type: ignore[attr-defined]
        response["Retry-After"] = str(error.retry_after_s)
        return response


class SignIn(_Counted, LoginView):
    template_name = "pages/login.html"
    authentication_form = SignInForm

    def account(self) -> str:
        return self.request.POST.get("username", "")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self.password_was_right()
        return super().form_valid(form)


class SignOut(LogoutView):
    next_page = "pages:sign_in"


class OwnPassword(_Counted, PasswordChangeView):
    template_name = "pages/password.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("pages:home")

    def account(self) -> str:
        return _user(self.request).email

    def form_valid(self, form: Any) -> HttpResponse:
        user = _user(self.request)
        actor = Actor.from_user(user, self.request.META.get("REMOTE_ADDR"))
        password = Secret(form.cleaned_data["new_password1"])
        try:
            user_set_password(user=user, password=password, actor=actor)
        except HubError as error:
            form.add_error(None, error.message)
            return self.form_invalid(form)
        self.password_was_right()
        update_session_auth_hash(self.request, user)
        messages.success(self.request, _("Your password is changed. Other sessions have ended."))
        return HttpResponse(status=302, headers={"Location": str(self.get_success_url())})


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _in_words(error: HubError) -> str:
    if not isinstance(error, RateLimited):
        return _("Signing in does not work at the moment. Try again in a minute.")
    minutes = max(1, -(-(error.retry_after_s or 0) // 60))
    return ngettext(
        "Too many attempts. Try again in %(minutes)d minute.",
        "Too many attempts. Try again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
