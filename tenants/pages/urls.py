"""The addresses of the pages for people."""

from django.urls import path

from tenants.pages.home import home, tenant_switch
from tenants.pages.signing_in import OwnPassword, SignIn, SignOut

app_name = "pages"
urlpatterns = [
    path("", home, name="home"),
    path("login/", SignIn.as_view(), name="sign_in"),
    path("logout/", SignOut.as_view(), name="sign_out"),
    path("password/", OwnPassword.as_view(), name="own_password"),
    path("tenant/", tenant_switch, name="tenant_switch"),
]
