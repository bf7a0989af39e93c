"""Which factory serves which type of model, by which protocol, and how that is known.

Derived from the catalog's files, the table of protocols and the tests' evidence: for
`manage.py provider_matrix`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llmhub.base.model_types import ModelType
from providers.catalog.files import FactoryEntry
from providers.evidence import evidence_of
from providers.protocols.registry import protocol_serves

PROBES: Mapping[ModelType, str] = MappingProxyType(
    {
        ModelType.CHAT: "a short call",
        ModelType.EMBEDDING: "one text, its dimensions",
        ModelType.RERANK: "two documents, their order",
        ModelType.IMAGE2TEXT: "a small picture",
        ModelType.SPEECH2TEXT: "half a second of silence",
        ModelType.TTS: "one word",
        ModelType.IMAGE: "looked up in the list of models",
        ModelType.MODERATION: "one text",
    }
)
"""What providers/probes.py does with a model of each type."""

UNSERVED: Mapping[tuple[str, ModelType], str] = MappingProxyType(
    {
        (
            "OpenDataLoader",
            ModelType.IMAGE2TEXT,
        ): "not built: no reference of its API was to be had",
        ("SoMark", ModelType.IMAGE2TEXT): "not built: no reference of its API was to be had",
        ("XunFei Spark", ModelType.TTS): "its speech goes over WebSocket alone",
    }
)
"""What the catalog names and no protocol serves, and why: such calls say `not supported yet`."""


@dataclass(frozen=True, slots=True)
class Row:
    factory: str
    model_type: ModelType
    protocol: str
    is_served: bool
    probe: str
    tested: tuple[str, ...]
    note: str = ""


def matrix_rows(entries: Iterable[FactoryEntry]) -> list[Row]:
    """A row for each factory and type, by name, and then in the order of ModelType."""
    return [
        _row(entry, model_type)
        for entry in sorted(entries, key=lambda entry: entry.name.lower())
        for model_type in ModelType
        if model_type.value in entry.endpoints
    ]


def _row(entry: FactoryEntry, model_type: ModelType) -> Row:
    protocol = entry.endpoints[model_type.value]["protocol"]
    if not protocol_serves(protocol, model_type):
        note = UNSERVED.get((entry.name, model_type), "")
        return Row(entry.name, model_type, protocol, False, "cannot be probed", (), note)
    tested = tuple(str(each) for each in evidence_of(protocol, model_type))
    return Row(entry.name, model_type, protocol, True, PROBES[model_type], tested)
