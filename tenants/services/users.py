"""People: creating them, letting them in or not, and their passwords."""

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from llmhub.base.secret import Secret
from tenants.actors import Actor
from tenants.audit.services import operator_change
from tenants.models import User


@dataclass(frozen=True)
class UserChange:
    """None leaves a thing as it is."""

    name: str | None = None
    is_active: bool | None = None
    is_operator: bool | None = None


def user_create(*, email: str, name: str = "", is_operator: bool = False, actor: Actor) -> User:
    """Someone who cannot sign in before a password is set. Raises InvalidRequest naming the field,
    and Conflict where the address is taken."""
    email = email.strip().lower()
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict(f"There is already a user {email}.", details={"field": "email"})
    create = User.objects.create_superuser if is_operator else User.objects.create_user
    with operator_change(actor=actor, action="user.create", is_in_snapshot=False) as change:
        try:
            user = create(email, name=name.strip())
        except ValidationError as error:
            field, messages = next(iter(error.message_dict.items()))
            raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None
        change.about("user", user.pk, user.email)
        change.after = _user_json(user)
    return user


def user_update(*, user: User, wanted: UserChange, actor: Actor) -> User:
    """Rename a user, let them in or not, make them an operator or not.

    A session of someone who is not active ends with its next request. Raises NotFound, and Conflict
    for an operator who would shut themselves out.
    """
    _require_not_self(user, wanted, actor)
    with operator_change(actor=actor, action="user.update", is_in_snapshot=False) as change:
        row = _locked(user)
        change.about("user", row.pk, row.email)
        change.before = _user_json(row)
        row.name = row.name if wanted.name is None else wanted.name.strip()
        row.is_active = row.is_active if wanted.is_active is None else wanted.is_active
        if wanted.is_operator is not None:
            row.is_staff = row.is_superuser = wanted.is_operator
        change.after = _user_json(row)
        if change.before == change.after:
            change.nothing_changed()
        else:
            row.save(update_fields=["name", "is_active", "is_staff", "is_superuser"])
    return row


def user_set_password(*, user: User, password: Secret, actor: Actor) -> None:
    """Their other sessions end with this. Raises InvalidRequest saying what the password lacks."""
    try:
        validate_password(password.reveal(), user)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages), field="password") from None
    with operator_change(actor=actor, action="user.set_password", is_in_snapshot=False) as change:
        row = _locked(user)
        row.set_password(password.reveal())
        row.save(update_fields=["password"])
        change.about("user", row.pk, row.email)
    user.password = row.password


def _require_not_self(user: User, wanted: UserChange, actor: Actor) -> None:
    is_self = actor.id == str(user.pk)
    if is_self and (wanted.is_active is False or wanted.is_operator is False):
        raise Conflict("You cannot shut yourself out. Ask another operator to do it.")


def _locked(user: User) -> User:
    row = User.objects.select_for_update().filter(pk=user.pk).first()
    if row is None:
        raise NotFound("This user no longer exists.")
    return row


def _user_json(user: User) -> dict[str, object]:
    return {"name": user.name, "is_active": user.is_active, "is_operator": user.is_staff}
