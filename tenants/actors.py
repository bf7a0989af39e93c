"""Who acts: every service that changes something takes one, and the audit row names it."""

from dataclasses import dataclass
from enum import StrEnum

from tenants.models import AccessToken, User


class ActorKind(StrEnum):
    USER = "user"
    TOKEN = "token"  # noqa: S105
    COMMAND = "command"
    TASK = "task"


@dataclass(frozen=True)
class Actor:
    """`label` is what people read: an e-mail, a token's name, a command's name."""

    kind: ActorKind
    label: str
    id: str = ""
    source_ip: str | None = None

    @classmethod
    def from_user(cls, user: User, source_ip: str | None = None) -> "Actor":
        return cls(ActorKind.USER, user.email, str(user.pk), source_ip)

    @classmethod
    def from_token(cls, token: AccessToken, source_ip: str | None = None) -> "Actor":
        return cls(ActorKind.TOKEN, token.name, str(token.pk), source_ip)

    @classmethod
    def from_command(cls, name: str) -> "Actor":
        return cls(ActorKind.COMMAND, name)

    @classmethod
    def from_task(cls, name: str) -> "Actor":
        return cls(ActorKind.TASK, name)
