import pytest

from llmhub.base.tokens import token_hash
from llmhub.builtin_model import builtin_connection_prepare
from llmhub.first_people import demo_prepare, operator_prepare
from tenants.actors import Actor
from tenants.models import AccessToken, SharedConnection, Tenant, User
from tenants.services.access_tokens import token_revoke

pytestmark = pytest.mark.django_db

MODEL = {"name": "m", "base_url": "http://127.0.0.1:1/v1", "api_key": "sk-a-key-of-the-model"}


def test_the_operator_is_made_once_and_keeps_a_password_of_their_own() -> None:
    made = operator_prepare(email="op@example.com", password="generated-one")
    assert made == {"email": "op@example.com", "password_holds": True}
    operator = User.objects.get(email="op@example.com")
    assert operator.is_superuser
    operator.set_password("chosen by the operator")
    operator.save()
    again = operator_prepare(email="op@example.com", password="generated-one")
    assert again == {"email": "op@example.com", "password_holds": False}
    assert User.objects.filter(email="op@example.com").count() == 1


def test_the_demo_token_stays_while_it_is_valid() -> None:
    first = demo_prepare(token="")
    assert demo_prepare(token=str(first["token"])) == first
    assert AccessToken.objects.filter(tenant__slug="demo").count() == 1


def test_a_revoked_demo_token_is_replaced() -> None:
    first = demo_prepare(token="")
    tenant = Tenant.objects.get(slug="demo")
    row = AccessToken.objects.get(token_hash=token_hash(str(first["token"])))
    token_revoke(tenant=tenant, token_id=row.pk, actor=Actor.from_command("test"))
    assert demo_prepare(token=str(first["token"]))["token"] != first["token"]


def test_the_built_in_model_is_granted_to_everyone_and_saved_when_it_moves() -> None:
    assert builtin_connection_prepare(**MODEL)
    assert not builtin_connection_prepare(**MODEL)
    assert builtin_connection_prepare(**MODEL | {"base_url": "http://127.0.0.1:2/v1"})
    row = SharedConnection.objects.get(llm_factory="Builtin")
    assert row.is_granted_to_all
    assert row.base_url == "http://127.0.0.1:2/v1"
    assert {model.model_type for model in row.shared_models.all()} == {"chat", "embedding"}
