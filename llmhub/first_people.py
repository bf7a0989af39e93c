"""The operator and the demo tenant that a fresh hub starts with."""

from django.utils import timezone

from llmhub.base.errors import NotFound
from llmhub.base.tokens import token_hash
from tenants.actors import Actor
from tenants.models import AccessToken, Tenant, User
from tenants.services.access_tokens import TokenFacts, token_create
from tenants.services.tenants import tenant_by_slug, tenant_create

DEMO_SLUG = "demo"
DEMO_OWNER = "demo@example.com"
_ACTOR = Actor.from_command("prepare_embedded")


def operator_prepare(*, email: str, password: str) -> dict[str, object]:
    """Make the first operator where there is none with this address.

    Gives the address, and whether the password still opens the account: one that the operator
    has changed is left alone.
    """
    operator = User.objects.filter(email__iexact=email).first()
    if operator is None:
        operator = User.objects.create_superuser(email, password)
    return {"email": operator.email, "password_holds": operator.check_password(password)}


def demo_prepare(*, token: str) -> dict[str, object]:
    """Make the demo tenant where there is none; gives its slug and a token that works.

    The given token is kept while it is valid, so that a token stays the same over restarts.
    """
    tenant = _demo_tenant()
    if not _is_valid(tenant, token):
        facts = TokenFacts(name="demo")
        token = token_create(tenant=tenant, facts=facts, actor=_ACTOR).secret.reveal()
    return {"tenant": tenant.slug, "token": token}


def _demo_tenant() -> Tenant:
    try:
        return tenant_by_slug(DEMO_SLUG)
    except NotFound:
        created = tenant_create(slug=DEMO_SLUG, name="Demo", owner_email=DEMO_OWNER, actor=_ACTOR)
        return created.tenant


def _is_valid(tenant: Tenant, token: str) -> bool:
    alive = AccessToken.objects.filter(
        tenant=tenant, token_hash=token_hash(token), revoked_at__isnull=True
    )
    return alive.exclude(expires_at__lte=timezone.now()).exists()
