"""The embedded servers of one `make up`: those that no variable gave."""

import time
from dataclasses import dataclass
from functools import partial

from llmhub.config import HubConfig
from llmhub.embedded.model import MODEL_NAME, ModelServer
from llmhub.embedded.postgres import Postgres
from llmhub.embedded.processes import Pause, wait_ready
from llmhub.embedded.valkey import Valkey
from llmhub.up.generated import Generated
from llmhub.up.ports_kept import ports_choose
from llmhub.up.progress import step
from llmhub.up.supervisor import Supervisor

START_TIMEOUT_S = 60


@dataclass(frozen=True)
class EmbeddedServers:
    """What is embedded; None where a server of one's own is given, or no model is wanted."""

    postgres: Postgres | None
    valkey: Valkey | None
    model: ModelServer | None

    def environment(self) -> dict[str, str]:
        """What leads to these servers: variables, and MODEL_* (see `config.model_address`)."""
        environment = {}
        if self.postgres:
            environment["DATABASE_URL"] = self.postgres.url
        if self.valkey:
            environment["REDIS_URL"] = self.valkey.url
        for key, text in (self.model_address() or {}).items():
            environment[f"MODEL_{key.upper()}"] = text
        return environment

    def model_address(self) -> dict[str, str] | None:
        """What a connection to the built-in model needs."""
        if self.model is None:
            return None
        return {
            "name": MODEL_NAME,
            "base_url": self.model.base_url,
            "api_key": self.model.api_key,
        }


def servers_choose(config: HubConfig, generated: Generated) -> EmbeddedServers:
    """Only what is not given is embedded; with both servers given, no model either."""
    folder = config.hub_data_dir
    ports = ports_choose(folder)
    postgres = valkey = model = None
    if not config.database_url:
        postgres = Postgres(
            folder / "postgres", port=ports["postgres"], password=generated.database_password
        )
    if not config.redis_url:
        valkey = Valkey(folder / "valkey", port=ports["valkey"], password=generated.valkey_password)
    if config.hub_model and (postgres or valkey):
        model = ModelServer(port=ports["model"], api_key=generated.model_api_key)
    return EmbeddedServers(postgres, valkey, model)


def servers_start(servers: EmbeddedServers, supervisor: Supervisor, pause: Pause) -> None:
    """Start them side by side and wait for the database and Valkey; raises StartFailed."""
    started = time.monotonic()
    if servers.model:  # it loads while others start: `model_wait` waits for it
        supervisor.start(servers.model.program())
    waiting = []
    if servers.valkey:
        servers.valkey.prepare()
        process = supervisor.start(servers.valkey.program())
        waiting.append(("Valkey", process, servers.valkey.is_ready))
    if servers.postgres:
        with step("Preparing PostgreSQL's data"):
            servers.postgres.prepare(lambda program: supervisor.run(program, pause))
        process = supervisor.start(servers.postgres.program())
        waiting.append(("PostgreSQL", process, partial(servers.postgres.is_ready, process.pid)))
    for name, process, is_ready in waiting:
        with step(f"Starting {name}", started):
            wait_ready(process, is_ready, timeout_s=START_TIMEOUT_S, pause=pause)


def model_wait(servers: EmbeddedServers, supervisor: Supervisor, pause: Pause) -> None:
    """Wait until the model is loaded; raises StartFailed."""
    if servers.model:
        process = supervisor.process("model")
        wait_ready(process, servers.model.is_ready, timeout_s=START_TIMEOUT_S, pause=pause)
