"""Runs `manage.py prepare_embedded` as a child: migrations, catalog, operator, demo tenant."""

import json
import os
from dataclasses import dataclass
from typing import IO, Any

from llmhub.config import HubConfig
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.processes import POLL_S, Pause, Process
from llmhub.up.generated import Generated
from llmhub.up.programs import prepare_program
from llmhub.up.progress import say
from llmhub.up.supervisor import Supervisor


@dataclass(frozen=True)
class Prepared:
    """Who can use the hub. The password is empty where the operator has chosen another since."""

    operator_email: str
    operator_password: str
    demo_tenant: str
    demo_token: str


def hub_prepare(
    config: HubConfig,
    generated: Generated,
    model: dict[str, str] | None,
    supervisor: Supervisor,
    pause: Pause,
) -> Prepared:
    """Bring the database up to date; raises StartFailed with what went wrong."""
    request = {
        "operator": {
            "email": config.hub_operator_email,
            "password": generated.operator_password,
        },
        "demo": {"token": generated.demo_token} if config.hub_demo else None,
        "model": model,
    }
    process = supervisor.start(prepare_program(config, json.dumps(request)), has_output=True)
    result = _follow(process, pause)
    supervisor.forget(process)
    operator, demo = result["operator"], result["demo"] or {}
    return Prepared(
        operator_email=operator["email"],
        operator_password=generated.operator_password if operator["password_holds"] else "",
        demo_tenant=demo.get("tenant", ""),
        demo_token=demo.get("token", ""),
    )


def _follow(process: Process, pause: Pause) -> dict[str, Any]:
    """Show the steps that the command reports, a JSON object a line; give its last one."""
    reader = _LineReader(process.stdout)
    result: dict[str, Any] | None = None
    is_running = True
    while is_running:
        is_running = process.exit_code() is None
        for line in reader.lines():
            if "step" in line:
                say(f"  {line['seconds']:5.1f} s  {line['step']}")
            if "error" in line:
                raise StartFailed(line["error"])
            result = line.get("result", result)
        if is_running:
            pause(POLL_S)
    if result is None:
        raise StartFailed(f"Preparing the database failed: {process.last_words()}")
    return result


class _LineReader:
    """Takes whole lines from a pipe without waiting for any."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            raise ValueError("the process has no output to read")
        self._pipe = pipe
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)

    def lines(self) -> list[dict[str, Any]]:
        *whole, self._rest = (self._rest + self._read()).split(b"\n")
        return [json.loads(line) for line in whole if line.startswith(b"{")]

    def _read(self) -> bytes:
        parts = []
        while part := self._read_part():
            parts.append(part)
        return b"".join(parts)

    def _read_part(self) -> bytes:
        try:
            return os.read(self._pipe.fileno(), 65536)
        except BlockingIOError:
            return b""
