"""The hub's own processes: web, worker, beat, and the command that prepares the database."""

import os
import sys
from pathlib import Path

from llmhub import serve
from llmhub.config import ROOT, HubConfig
from llmhub.embedded.processes import Program

WORKER_THREADS = 4


def web_program(config: HubConfig, listener: int) -> Program:
    return _python(
        config,
        "web",
        ("-m", "llmhub.serve", str(listener)),
        pass_fds=(listener,),
        stop_timeout_s=serve.DRAIN_S + 5,
    )


def worker_program(config: HubConfig) -> Program:
    arguments = ("-m", "celery", "-A", "llmhub.celery", "worker", "--pool", "threads")
    # One worker per broker: gossip and mingle are for many, and cost a start-up second.
    alone = ("--without-gossip", "--without-mingle")
    level = ("--concurrency", str(WORKER_THREADS), "--loglevel", config.hub_log_level)
    return _python(config, "worker", (*arguments, *alone, *level), stop_timeout_s=20)


def beat_program(config: HubConfig) -> Program:
    schedule = str(config.hub_data_dir / "run" / "beat")
    arguments = ("-m", "celery", "-A", "llmhub.celery", "beat", "--schedule", schedule)
    level = ("--pidfile", "", "--loglevel", config.hub_log_level)
    return _python(config, "beat", (*arguments, *level), stop_timeout_s=10)


def ready_file(config: HubConfig, name: str) -> Path:
    """What worker and beat touch once they work (see llmhub/celery.py)."""
    return config.hub_data_dir / "run" / f"{name}.ready"


def prepare_program(config: HubConfig, request: str) -> Program:
    """Migrate, load the catalog, make operator and demo tenant; `request` is fed to stdin."""
    return _python(
        config,
        "prepare",
        (str(ROOT / "manage.py"), "prepare_embedded", "--json"),
        stdin=request,
        stop_timeout_s=20,
    )


def _python(
    config: HubConfig,
    name: str,
    arguments: tuple[str, ...],
    *,
    stop_timeout_s: float,
    stdin: str = "",
    pass_fds: tuple[int, ...] = (),
) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, *arguments),
        env=os.environ
        | {
            "HUB_DATA_DIR": str(config.hub_data_dir),
            "DJANGO_SETTINGS_MODULE": "llmhub.settings",
            "HUB_READY_FILE": str(ready_file(config, name)),
            "PYTHONUNBUFFERED": "1",
        },
        stdin=stdin,
        cwd=ROOT,
        pass_fds=pass_fds,
        stop_timeout_s=stop_timeout_s,
    )
