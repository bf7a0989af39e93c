"""check_hub on a hub that is not in order: what is wrong, how to mend it, exit code 1."""

import json
import os
import subprocess
import sys
from typing import Any

from llmhub.config import ROOT
from llmhub.embedded.ports import LOOPBACK, free_port


def _check_hub(**environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the checks by name."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check_hub", "--json"],
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert report["is_ok"] is (done.returncode == 0)
    return done.returncode, {check["name"]: check for check in report["checks"]}


def test_a_database_and_a_broker_that_are_away_are_told_apart_from_what_works() -> None:
    code, checks = _check_hub(
        DATABASE_URL=f"postgresql://hub@{LOOPBACK}:{free_port()}/hub",
        REDIS_URL=f"redis://{LOOPBACK}:{free_port()}/0",
    )
    failed = {name for name, check in checks.items() if not check["is_ok"]}
    assert code == 1
    assert failed == {"database", "migrations", "pooler", "broker", "worker"}
    assert "refused" in checks["database"]["message"]
    assert "DATABASE_URL" in checks["database"]["remedy"]
    assert "REDIS_URL" in checks["broker"]["remedy"]


def test_an_empty_database_without_a_worker_says_what_to_run() -> None:
    code, checks = _check_hub()
    assert code == 1
    assert checks["database"]["is_ok"]
    assert checks["broker"]["is_ok"]
    assert "manage.py migrate_schemas" in checks["migrations"]["remedy"]
    assert "celery -A llmhub.celery worker" in checks["worker"]["remedy"]


def test_a_short_secret_key_and_debug_pages_for_others_are_named() -> None:
    _, checks = _check_hub(SECRET_KEY="short")
    assert "SECRET_KEY is shorter" in checks["configuration"]["message"]
    _, checks = _check_hub(HUB_DEBUG="on", HUB_HOST="0.0.0.0")
    assert "HUB_DEBUG is on" in checks["configuration"]["message"]
