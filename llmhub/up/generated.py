"""Secrets that the hub makes for itself, once, in HUB_DATA_DIR/secrets.json."""

import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from cryptography.fernet import Fernet

from llmhub.embedded.errors import StartFailed
from llmhub.up.private_files import private_json_read, private_json_write


@dataclass(frozen=True)
class Generated:
    """What no variable gave. `demo_token` is empty until the demo tenant has one."""

    secret_key: str = field(repr=False)
    fernet_keys: str = field(repr=False)
    database_password: str = field(repr=False)
    valkey_password: str = field(repr=False)
    model_api_key: str = field(repr=False)
    operator_password: str = field(repr=False)
    demo_token: str = field(repr=False, default="")


def generated_load(data_dir: Path) -> Generated:
    """Read the secrets, or make them where there are none yet.

    Raises StartFailed where the file is damaged, or gone while the data that it opens are there.
    """
    path = _path(data_dir)
    try:
        content = private_json_read(path)
    except ValueError:
        raise StartFailed(f"{path} is damaged: restore it from a backup.") from None
    if not content and (data_dir / "postgres" / "data").exists():
        raise StartFailed(
            f"{path} is missing, and without it {data_dir / 'postgres'} cannot be opened: "
            "restore it from a backup, or move the data away."
        )
    known = {f.name: content[f.name] for f in fields(Generated) if f.name in content}
    generated = Generated(**(_fresh() | known))
    if asdict(generated) != content:
        private_json_write(path, asdict(generated))
    return generated


def demo_token_save(data_dir: Path, generated: Generated, token: str) -> Generated:
    """Remember the demo tenant's token, so that it stays the same over restarts."""
    changed = replace(generated, demo_token=token)
    if changed != generated:
        private_json_write(_path(data_dir), asdict(changed))
    return changed


def _path(data_dir: Path) -> Path:
    return data_dir / "secrets.json"


def _fresh() -> dict[str, str]:
    return {
        "secret_key": secrets.token_urlsafe(48),
        "fernet_keys": Fernet.generate_key().decode(),
        "database_password": secrets.token_urlsafe(24),
        "valkey_password": secrets.token_urlsafe(24),
        "model_api_key": "sk-" + secrets.token_urlsafe(24),
        "operator_password": secrets.token_urlsafe(12),
    }
