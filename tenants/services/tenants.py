"""Creating, changing and deleting tenants, and who belongs to them."""

from dataclasses import dataclass
from types import EllipsisType

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from tenants.actors import Actor
from tenants.audit.services import operator_change, tenant_change
from tenants.config_versions import version_forget, version_raise
from tenants.keyring import data_key_create
from tenants.limits.counters import counters_forget
from tenants.models import Membership, Plan, Role, Tenant, TenantStatus, User
from tenants.models.tenant import schema_name_of, validate_slug
from tenants.schema_template import schema_drop
from tenants.spare_schemas import schema_provide


@dataclass(frozen=True)
class CreatedTenant:
    tenant: Tenant
    owner: User


def tenant_create(*, slug: str, name: str, owner_email: str, actor: Actor) -> CreatedTenant:
    """A tenant with its schema, data key and owner, all or nothing.

    The owner is the user of that e-mail; a new one has no password until they are invited.
    Raises InvalidRequest naming the field, and Conflict where the slug is taken.
    """
    tenant = Tenant(slug=slug, name=name.strip() or slug, schema_name=schema_name_of(slug))
    try:
        validate_slug(slug)
        tenant.full_clean(validate_unique=False)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages), field="slug") from None
    with operator_change(actor=actor, action="tenant.create", is_in_snapshot=False) as change:
        _save_new(tenant)
        schema_provide(tenant.schema_name)
        data_key_create(tenant)
        owner = user_get_or_create(email=owner_email)
        membership_save(tenant=tenant, user=owner, role=Role.OWNER, actor=actor)
        change.about("tenant", tenant.pk, tenant.slug)
        change.after = {"slug": slug, "name": tenant.name, "owner": owner.email}
    return CreatedTenant(tenant, owner)


def tenant_update(
    *,
    tenant: Tenant,
    actor: Actor,
    name: str | None = None,
    status: TenantStatus | None = None,
    plan: Plan | EllipsisType | None = ...,
) -> Tenant:
    """Rename, suspend or reactivate a tenant, give it a plan or take it away; what is left out
    stays as it is.

    The tenant's version is raised, so the gateway refuses a suspended tenant's next call. Raises
    InvalidRequest naming the field, NotFound where it was deleted, Conflict for the platform's row.
    """
    _require_customer(tenant, "changed")
    with operator_change(actor=actor, action="tenant.update", is_in_snapshot=False) as change:
        row = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
        if row is None:
            raise NotFound("This tenant no longer exists.")
        change.about("tenant", row.pk, row.slug)
        change.before = _tenant_json(row)
        row.name = row.name if name is None else name.strip()
        row.status = row.status if status is None else status
        row.plan = row.plan if isinstance(plan, EllipsisType) else plan
        _clean(row)
        change.after = _tenant_json(row)
        if change.before == change.after:
            change.nothing_changed()
            return row
        Tenant.objects.filter(pk=row.pk).update(name=row.name, status=row.status, plan=row.plan)
        version_raise(row)
    return row


def tenant_delete(*, tenant: Tenant, actor: Actor) -> None:
    """Remove the tenant's schema, data keys, tokens, memberships and cache entries, for good."""
    _require_customer(tenant, "deleted")
    tenant_id = tenant.pk
    with operator_change(actor=actor, action="tenant.delete", is_in_snapshot=False) as change:
        change.about("tenant", tenant_id, tenant.slug)
        change.before = {"slug": tenant.slug, "name": tenant.name}
        version_raise(tenant)
        schema_drop(tenant.schema_name)
        Tenant.objects.filter(pk=tenant_id).delete()
        transaction.on_commit(lambda: version_forget(tenant_id))
        transaction.on_commit(lambda: counters_forget(tenant_id))


def user_get_or_create(*, email: str) -> User:
    """Raises InvalidRequest when it is not an e-mail address."""
    known = User.objects.filter(email__iexact=email.strip())
    user = known.first()
    if user is not None:
        return user
    try:
        with transaction.atomic():
            return User.objects.create_user(email.strip())
    except (ValidationError, IntegrityError) as error:
        user = known.first()  # another process may have made it in between
        if user is not None:
            return user
        messages = getattr(error, "messages", ["The user could not be made. Try again."])
        raise InvalidRequest(" ".join(messages), field="owner") from None


def membership_save(*, tenant: Tenant, user: User, role: Role, actor: Actor) -> Membership:
    """Make the user a member with this role, or change the role they have."""
    with tenant_change(
        tenant=tenant, actor=actor, action="membership.save", is_in_snapshot=False
    ) as change:
        membership = Membership.objects.filter(tenant=tenant, user=user).first()
        if membership is None:
            membership = Membership(tenant=tenant, user=user)
        else:
            change.before = {"role": membership.role}
        membership.role = role
        membership.save()
        change.about("membership", membership.pk, user.email)
        change.after = {"role": role}
    return membership


def tenant_by_slug(slug: str) -> Tenant:
    """Raises NotFound."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None or tenant.is_platform:
        raise NotFound(f"There is no tenant {slug!r}.", details={"field": "slug"})
    return tenant


def _require_customer(tenant: Tenant, done: str) -> None:
    if tenant.is_platform:
        raise Conflict(f"The platform's own row cannot be {done}.")


def _clean(tenant: Tenant) -> None:
    try:
        tenant.full_clean(validate_unique=False)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{name}: {' '.join(messages)}", field=name) from None


def _tenant_json(tenant: Tenant) -> dict[str, object]:
    plan = tenant.plan.name if tenant.plan is not None else None
    return {"name": tenant.name, "status": str(tenant.status), "plan": plan}


def _save_new(tenant: Tenant) -> None:
    try:
        with transaction.atomic():
            Tenant.objects.bulk_create([tenant])
    except IntegrityError:
        raise Conflict(
            f"The slug {tenant.slug!r} is taken. Choose another.", details={"field": "slug"}
        ) from None
