"""The whole hub: ready, stopped, killed, started again. Each test starts it where it is down."""

import os
import signal
import stat
import subprocess
import sys

import psycopg
import pytest
import redis

from llmhub.config import ROOT, HubConfig, config_read
from tests.hub_process import HubProcess, is_alive, kill_quietly
from tests.waiting import wait_until

pytestmark = pytest.mark.hub


@pytest.fixture
def hub(running_hub: HubProcess) -> HubProcess:
    running_hub.start()
    return running_hub


def _config(hub: HubProcess) -> HubConfig:
    """The configuration as a process beside the hub reads it."""
    return config_read(hub.environment)


def _child(hub: HubProcess, words: str) -> int:
    return next(pid for pid, command in hub.processes().items() if words in command)


def test_hub_json_names_the_hub_its_operator_and_the_demo_tenant(hub: HubProcess) -> None:
    assert hub.hub["url"] == f"http://localhost:{hub.port}"
    assert hub.hub["pid"] == hub.popen.pid
    assert hub.hub["operator"]["email"] == "operator@example.com"
    assert len(hub.hub["operator"]["password"]) >= 12
    assert hub.hub["demo"]["tenant"] == "demo"
    assert hub.hub["demo"]["token"].startswith("hub_")


def test_what_holds_secrets_is_for_its_owner_alone(hub: HubProcess) -> None:
    for name in ("hub.json", "secrets.json", "run/environment.json", "log/web.log"):
        path = hub.data_dir / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, name
    for name in ("run", "log", "valkey"):
        assert stat.S_IMODE((hub.data_dir / name).stat().st_mode) == 0o700, name


def test_no_command_line_shows_a_secret(hub: HubProcess) -> None:
    secrets = (hub.data_dir / "secrets.json").read_text(encoding="utf-8")
    values = [text for text in secrets.split('"')[3::4] if text]
    shown = "\n".join(hub.processes().values())
    assert len(values) >= 7
    assert not [value for value in values if value in shown]


def test_ready_says_where_it_is_and_how_to_call_it(hub: HubProcess) -> None:
    assert "LLM Hub is ready after" in hub.output
    assert hub.hub["demo"]["token"] in hub.output
    assert hub.hub["operator"]["password"] in hub.output
    assert f"curl http://localhost:{hub.port}/v1/chat/completions" in hub.output


def test_check_hub_beside_it_finds_everything_in_order(hub: HubProcess) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check_hub"],
        check=False,
        cwd=ROOT,
        env=hub.environment,
        capture_output=True,
        text=True,
    )
    names = [line.split()[1].rstrip(":") for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert names == [
        *("configuration", "database", "migrations", "pooler"),
        *("broker", "worker", "model"),
    ]


def test_the_worker_replaces_the_spare_schema_that_a_tenant_took(hub: HubProcess) -> None:
    config = _config(hub)
    with psycopg.connect(config.database_url, autocommit=True) as database:
        assert _spares(database), "some are there when the hub is ready"
        wait_until(lambda: len(_spares(database)) == config.hub_spare_schemas)
        ready = _spares(database)
        subprocess.run(
            [sys.executable, "manage.py", "tenant_create", "acme", "--owner", "a@example.com"],
            check=True,
            cwd=ROOT,
            env=hub.environment,
            capture_output=True,
        )
        wait_until(lambda: _spares(database) - ready, what="a new spare schema")
        wait_until(lambda: len(_spares(database)) == config.hub_spare_schemas)
        assert len(_spares(database) & ready) == config.hub_spare_schemas - 1


def _spares(database: psycopg.Connection[tuple[int, ...]]) -> set[int]:
    rows = database.execute(
        "SELECT n.oid FROM tenants_spareschema JOIN pg_namespace AS n ON nspname = schema_name"
    )
    return {oid for (oid,) in rows}


def test_a_second_hub_on_the_same_folder_is_refused(hub: HubProcess) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmhub.up"],
        check=False,
        cwd=ROOT,
        env=hub.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"already running on {hub.data_dir} (process {hub.popen.pid})" in done.stderr
    assert hub.hub_file.exists()
    assert hub.is_running


@pytest.mark.parametrize("words", ["llmhub.serve", "celery -A llmhub.celery worker"])
def test_a_process_that_dies_is_started_again(hub: HubProcess, words: str) -> None:
    before = _child(hub, words)
    kill_quietly(before)
    wait_until(lambda: not is_alive(before))
    wait_until(lambda: any(words in command for command in hub.processes().values()))
    assert "ended (signal 9" in hub.output


def test_sigterm_leaves_no_process_and_no_file_of_a_running_hub(hub: HubProcess) -> None:
    family = hub.processes()
    assert len(family) >= 7
    assert hub.stop(signal.SIGTERM) == 0
    assert not [pid for pid in family if is_alive(pid)]
    assert not hub.hub_file.exists()
    assert not (hub.data_dir / "run" / "environment.json").exists()


def test_ctrl_c_stops_it_with_the_shells_exit_code(hub: HubProcess) -> None:
    family = hub.processes()
    assert hub.stop(signal.SIGINT) == 130
    assert not [pid for pid in family if is_alive(pid)]


def test_ctrl_c_while_it_starts_leaves_nothing(running_hub: HubProcess) -> None:
    if running_hub.is_running:
        running_hub.stop()
    running_hub.launch()
    wait_until(lambda: len(running_hub.processes()) > 3, what="the first servers")
    family = running_hub.processes()
    assert running_hub.stop(signal.SIGINT) == 130
    assert not [pid for pid in family if is_alive(pid)]
    assert not running_hub.hub_file.exists()


def test_a_second_start_keeps_password_and_token(hub: HubProcess) -> None:
    before = hub.hub
    hub.stop()
    hub.start()
    assert hub.hub["operator"] == before["operator"]
    assert hub.hub["demo"] == before["demo"]


def test_after_sigkill_of_everything_it_recovers_with_its_data(hub: HubProcess) -> None:
    before = hub.hub
    config = _config(hub)
    with psycopg.connect(config.database_url) as database:
        database.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        database.execute("INSERT INTO kept VALUES (1)")
    with redis.Redis.from_url(config.redis_url) as valkey:
        valkey.incr("kept")
    hub.kill_everything()
    assert hub.hub_file.exists()
    hub.start()
    assert hub.hub["demo"] == before["demo"]
    assert hub.hub["pid"] == hub.popen.pid
    with psycopg.connect(_config(hub).database_url) as database:
        assert database.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    with redis.Redis.from_url(_config(hub).redis_url) as valkey:
        assert valkey.get("kept") == b"1"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent-death signal")
def test_the_processes_follow_a_killed_supervisor(hub: HubProcess) -> None:
    family = [pid for pid in hub.processes() if pid != hub.popen.pid]
    os.kill(hub.popen.pid, signal.SIGKILL)
    hub.popen.wait()
    wait_until(lambda: not any(map(is_alive, family)), what="orphans to end")
