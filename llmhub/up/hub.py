"""One run of the hub, from an empty folder to the last process stopped."""

import errno
import os
import signal
import socket
import time
from collections.abc import Callable

from llmhub.config import VARIABLES, HubConfig, environment_file, variable_text
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.leftovers import leftovers_end
from llmhub.embedded.processes import wait_ready
from llmhub.up.data_dir import data_dir_lock, data_dir_make, logs_trim, running_files_remove
from llmhub.up.first_call import hub_wait_healthy, hub_wait_model
from llmhub.up.generated import Generated, demo_token_save, generated_load
from llmhub.up.listening import listening_socket
from llmhub.up.preparation import Prepared, hub_prepare
from llmhub.up.private_files import private_json_write
from llmhub.up.programs import beat_program, ready_file, web_program, worker_program
from llmhub.up.progress import complain, say, step
from llmhub.up.servers import (
    START_TIMEOUT_S,
    EmbeddedServers,
    model_wait,
    servers_choose,
    servers_start,
)
from llmhub.up.stop_signals import StopRequested, StopSignals, exit_code
from llmhub.up.supervisor import Supervisor
from llmhub.up.welcome import welcome

# PostgreSQL takes INT as "fast" and QUIT as "immediate"; the others end on the first.
_LEFTOVER_SIGNALS = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0))
_NOT_WRITTEN = {"HUB_DATA_DIR"}


def hub_run(config: HubConfig) -> int:
    """Start the hub, keep it running until told to stop, stop it; gives the exit code."""
    signals = StopSignals()
    try:
        data_dir_make(config.hub_data_dir)
        lock = data_dir_lock(config.hub_data_dir)
    except StartFailed as error:
        complain(str(error))
        return 1
    except OSError as error:
        complain(explain(error))
        return 1
    try:
        return _run_locked(config, Supervisor(config.hub_data_dir), signals)
    finally:
        os.close(lock)


def _run_locked(config: HubConfig, supervisor: Supervisor, signals: StopSignals) -> int:
    cleanup: list[Callable[[], object]] = [lambda: running_files_remove(config.hub_data_dir)]
    try:
        _start(config, supervisor, signals, cleanup)
        supervisor.watch(signals.pause)
    except StopRequested:
        say("Stopping")
        return exit_code(signals.first)
    except StartFailed as error:
        complain(str(error))
        return 1
    except OSError as error:
        complain(explain(error))
        return 1
    finally:
        started = time.monotonic()
        for clean in reversed(cleanup):
            clean()
        supervisor.stop_all(signals.pause)
        say(f"Stopped every process in {time.monotonic() - started:.1f} s")
    return 0


def _start(
    config: HubConfig,
    supervisor: Supervisor,
    signals: StopSignals,
    cleanup: list[Callable[[], object]],
) -> None:
    started = time.monotonic()
    data_dir = config.hub_data_dir
    running_files_remove(data_dir)
    logs_trim(data_dir)
    left = leftovers_end(data_dir / "run", signals=_LEFTOVER_SIGNALS, pause=signals.pause)
    if left:
        say(f"Ended what an earlier run had left: {', '.join(left)}")
    listener = listening_socket(config)
    # A listener that is left open would keep callers waiting while the web process drains.
    cleanup.append(listener.close)
    generated = generated_load(data_dir)
    servers = servers_choose(config, generated)
    servers_start(servers, supervisor, signals.pause)
    _write_environment(config, generated, servers)
    prepared = hub_prepare(config, generated, servers.model_address(), supervisor, signals.pause)
    demo_token_save(data_dir, generated, prepared.demo_token or generated.demo_token)
    with step("Starting web, worker and beat"):
        _start_own(config, supervisor, signals, listener)
    if servers.model and prepared.demo_token:
        with step("Asking the built-in model"):
            model_wait(servers, supervisor, signals.pause)
            hub_wait_model(config, servers.model, prepared.demo_token, signals.pause)
    _write_hub_file(config, prepared)
    say(welcome(config, prepared, time.monotonic() - started))


def _start_own(
    config: HubConfig, supervisor: Supervisor, signals: StopSignals, listener: socket.socket
) -> None:
    """Start the hub's own processes side by side and wait until each of them works."""
    web = supervisor.start(web_program(config, listener.fileno()))
    others = [supervisor.start(worker_program(config)), supervisor.start(beat_program(config))]
    hub_wait_healthy(config, web, signals.pause)
    for process in others:
        is_ready = ready_file(config, process.name).exists
        wait_ready(process, is_ready, timeout_s=START_TIMEOUT_S, pause=signals.pause)


def _write_environment(config: HubConfig, generated: Generated, servers: EmbeddedServers) -> None:
    """Tell the processes beside this one what they would otherwise read from their environment."""
    given = {v.name: variable_text(v.name) for v in VARIABLES if v.name not in _NOT_WRITTEN}
    environment = {
        "SECRET_KEY": generated.secret_key,
        "FERNET_KEYS": generated.fernet_keys,
    }
    if servers.environment():
        # Where local models are the point, a tenant may reach what listens on this machine.
        environment["HUB_EGRESS_ALLOW"] = "127.0.0.0/8,::1/128"
    environment |= {name: text for name, text in given.items() if text}
    environment |= servers.environment()
    private_json_write(environment_file(config.hub_data_dir), environment)


def _write_hub_file(config: HubConfig, prepared: Prepared) -> None:
    private_json_write(
        config.hub_data_dir / "hub.json",
        {
            "url": config.public_url,
            "pid": os.getpid(),
            "operator": {"email": prepared.operator_email, "password": prepared.operator_password},
            "demo": {"tenant": prepared.demo_tenant, "token": prepared.demo_token},
        },
    )


def explain(error: OSError) -> str:
    """One line for what the system refused."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"The disk is full{where}: make room, then start the hub again."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"A right is missing{where}: {error.strerror}."
    return f"{error.strerror or error}{where}"
