"""Finding people."""

from llmhub.base.errors import NotFound
from tenants.models import User


def user_by_email(email: str) -> User:
    """Raises NotFound."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        raise NotFound(f"There is no user {email.strip()!r}.", details={"field": "email"})
    return user
