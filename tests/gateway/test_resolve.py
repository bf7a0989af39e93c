"""From a name to the models that are tried."""

import uuid
from collections import Counter

import pytest

from gateway.errors import BadRequest, NothingHere, NotPermitted
from gateway.resolve import models_resolve
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from tenants.snapshots import (
    ConnectionView,
    EndpointView,
    ModelView,
    RouteTargetView,
    RouteView,
    Snapshot,
    TokenView,
    models_by_name,
)

CHAT, EMBEDDING = ModelType.CHAT, ModelType.EMBEDDING


def connection(name: str = "default", factory: str = "OpenAI") -> ConnectionView:
    endpoints = {CHAT: EndpointView("openai", "http://127.0.0.1/v1")}
    return ConnectionView(uuid.uuid4(), name, factory, False, endpoints, {"api_key": Secret("k")})


def model(name: str, on: ConnectionView, kind: ModelType = CHAT, refusal: str = "") -> ModelView:
    return ModelView(name, kind, on, None, refusal)


FIRST = model("gpt-4", connection())
SECOND = model("gpt-4", connection("backup"))
OTHER = model("gpt-4", connection(factory="Azure-OpenAI"))
VISION = model("eye", connection(), ModelType.IMAGE2TEXT)
VECTORS = model("embed", connection(), EMBEDDING)
OFF = model("old", connection(), refusal="model_disabled")
ALL = (FIRST, SECOND, OTHER, VISION, VECTORS, OFF)


def snapshot(*routes: RouteView, defaults: dict[ModelType, ModelView] | None = None) -> Snapshot:
    return Snapshot(
        tenant_id=uuid.uuid4(),
        slug="alice",
        tenant_version=1,
        platform_version=1,
        tokens={},
        models=ALL,
        routes={route.name: route for route in routes},
        defaults=defaults or {},
        by_name=models_by_name(ALL),
    )


def token(*allowed: str) -> TokenView:
    return TokenView(uuid.uuid4(), "t", frozenset({"inference"}), frozenset(allowed), None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("gpt-4", [FIRST, SECOND, OTHER]),
        ("gpt-4@OpenAI", [FIRST, SECOND]),
        ("OpenAI/gpt-4", [FIRST, SECOND]),
        ("gpt-4@backup@OpenAI", [SECOND]),
        (" gpt-4@Azure-OpenAI ", [OTHER]),
        ("eye", [VISION]),
    ],
)
def test_every_form_of_a_name_finds_its_models(asked: str, expected: list[ModelView]) -> None:
    assert list(models_resolve(snapshot(), token(), CHAT, asked)) == expected


@pytest.mark.parametrize("asked", ["gpt-5", "GPT-4", "gpt-4@Nobody", "embed", "@", "/"])
def test_an_unknown_name_is_not_found(asked: str) -> None:
    with pytest.raises(NothingHere) as caught:
        models_resolve(snapshot(), token(), CHAT, asked)
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("asked", [1, ["gpt-4"], {"name": "gpt-4"}, True])
def test_a_name_is_a_text(asked: object) -> None:
    with pytest.raises(BadRequest):
        models_resolve(snapshot(), token(), CHAT, asked)


@pytest.mark.parametrize("asked", [None, "", "  "])
def test_no_name_means_the_default(asked: str | None) -> None:
    chosen = snapshot(defaults={CHAT: OTHER})
    assert list(models_resolve(chosen, token(), CHAT, asked)) == [OTHER]


def test_no_name_and_no_default_says_what_to_do() -> None:
    with pytest.raises(NothingHere, match="PUT /llm/defaults"):
        models_resolve(snapshot(), token(), CHAT, None)


def test_a_disabled_model_says_how_to_enable_it() -> None:
    with pytest.raises(NotPermitted, match="Model old is disabled") as caught:
        models_resolve(snapshot(), token(), CHAT, "old")
    assert caught.value.code == "model_disabled"


@pytest.mark.parametrize(
    ("allowed", "asked", "expected"),
    [
        ("gpt-4", "gpt-4", [FIRST, SECOND, OTHER]),
        ("gpt-4@OpenAI", "gpt-4", [FIRST, SECOND]),
        ("gpt-4", "gpt-4@backup@OpenAI", [SECOND]),
        ("OpenAI/gpt-4", "gpt-4@OpenAI", [FIRST, SECOND]),
    ],
)
def test_a_tokens_list_allows_any_name_of_a_model(
    allowed: str, asked: str, expected: list[ModelView]
) -> None:
    assert list(models_resolve(snapshot(), token(allowed), CHAT, asked)) == expected


def test_a_model_that_is_not_on_the_tokens_list_is_refused() -> None:
    with pytest.raises(NotPermitted) as caught:
        models_resolve(snapshot(), token("eye"), CHAT, "gpt-4")
    assert caught.value.code == "model_not_allowed"


def route(*targets: tuple[ModelView, int, int], name: str = "best") -> RouteView:
    views = tuple(RouteTargetView(m, priority, weight) for m, priority, weight in targets)
    return RouteView(name, CHAT, views)


def test_a_route_tries_lower_priorities_first() -> None:
    chosen = snapshot(route((SECOND, 1, 1), (OTHER, 0, 1)))
    assert list(models_resolve(chosen, token(), CHAT, "best")) == [OTHER, SECOND]


def test_a_route_draws_among_equals_by_weight() -> None:
    chosen = snapshot(route((FIRST, 0, 3), (OTHER, 0, 1)))
    drawn = Counter(
        models_resolve(chosen, token(), CHAT, "best")[0].llm_factory for _ in range(4000)
    )
    # Three in four, give or take six standard deviations.
    assert 2830 < drawn["OpenAI"] < 3170


def test_a_route_on_the_tokens_list_opens_its_targets() -> None:
    chosen = snapshot(route((FIRST, 0, 1)))
    assert list(models_resolve(chosen, token("best"), CHAT, "best")) == [FIRST]
    with pytest.raises(NotPermitted):
        models_resolve(chosen, token("best"), CHAT, "gpt-4")


def test_a_route_skips_targets_that_are_switched_off() -> None:
    chosen = snapshot(route((OFF, 0, 1), (FIRST, 1, 1)))
    assert list(models_resolve(chosen, token(), CHAT, "best")) == [FIRST]


def test_a_route_goes_before_a_model_of_its_name() -> None:
    chosen = snapshot(route((OTHER, 0, 1), name="gpt-4"))
    assert list(models_resolve(chosen, token(), CHAT, "gpt-4")) == [OTHER]
