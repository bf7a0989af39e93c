"""The official JavaScript client, unmodified, through a running gateway."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenants.models import Tenant
from tests.committed_people import EVERY_MODEL, Person, committed_tenant, person_of
from tests.gateway.server import RunningGateway
from tests.provider_server import WORDS, ProviderServer

HERE = Path(__file__).parent.parent / "javascript"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of package-lock.json, and calls.mjs."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    assert not missing, f"{missing} is not installed: the JavaScript clients need Node.js 20"
    folder = tmp_path_factory.mktemp("javascript")
    for name in ("package.json", "package-lock.json", "calls.mjs"):
        shutil.copy(HERE / name, folder)
    argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(argv, cwd=folder, check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def tenant(committed: None) -> Iterator[Tenant]:
    with committed_tenant("alice") as made:
        yield made


@pytest.fixture
def alice(tenant: Tenant, provider: ProviderServer) -> Iterator[Person]:
    with person_of(tenant) as person:
        person.connect(provider.url, models=EVERY_MODEL)
        yield person


def test_every_call_that_the_client_has(
    gateway: RunningGateway, alice: Person, clients: Path
) -> None:
    ran = subprocess.run(
        ["node", "calls.mjs"],
        cwd=clients,
        env={**os.environ, "HUB_URL": gateway.url, "HUB_TOKEN": alice.token},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found.pop("models")) == {facts.llm_name for facts in EVERY_MODEL}
    assert found == {
        "chat": "".join(WORDS),
        "streamed": "".join(WORDS),
        "vectors": 2,
        "model": "tts-1",
        "speech": "ID3 audio",
        "transcript": "hello",
        "transcriptEvents": [
            "transcript.text.delta",
            "transcript.text.delta",
            "transcript.text.done",
        ],
        "pictures": 2,
        "flagged": False,
        "error": {"kind": "NotFoundError", "code": "model_not_found", "id": True},
    }
    answered = [event for event in alice.ledger() if event.result_status == 200]
    assert len(answered) == 8
