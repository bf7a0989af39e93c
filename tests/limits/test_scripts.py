"""The scripts in Valkey against a model in Python: windows, gauges, reservations that expire."""

import itertools
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import integers, sampled_from

from llmhub.base.valkey import valkey
from tenants.limits.counters import script
from tests.properties import untimed

WINDOW, GAUGE, SLOTS = "test:window", "test:gauge", "test:slots"
LIMITS = {WINDOW: 100, GAUGE: 1_000, SLOTS: 3}
LEASE_MS = 3_600_000
_ids = itertools.count()


@dataclass
class Model:
    """What must be so, by the plainest arithmetic."""

    window: int = 0
    spent: int = 0
    open: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        return sum(amount for _, amount in self.open.values())

    def has_room(self, tokens: int, amount: int) -> bool:
        return (
            self.window + tokens <= LIMITS[WINDOW]
            and self.spent + self.reserved + amount <= LIMITS[GAUGE]
            and len(self.open) < LIMITS[SLOTS]
        )


def reserve(call_id: str, tokens: int, amount: int, lease_ms: int = LEASE_MS):
    guards = (
        *("w", LIMITS[WINDOW], tokens, "", ""),
        *("g", LIMITS[GAUGE], amount, 1, 60_000),
        *("g", LIMITS[SLOTS], 1, "", 60_000),
    )
    keys = ("test:v1", "test:v2", WINDOW, GAUGE, SLOTS)
    arguments = ("", "", call_id, lease_ms, *guards)
    return valkey().eval(script("reserve"), len(keys), *keys, *arguments)


def settle(call_id: str, second: int, reserved: int, delta: int, spent: int):
    keys = ("test:stream", WINDOW, GAUGE, SLOTS)
    guards = ("w", second, delta, "", "g", reserved, spent, "", "g", 1, 0, "")
    return valkey().eval(script("settle"), len(keys), *keys, "e", "", call_id, *guards)


def empty() -> None:
    for key in valkey().scan_iter(match="test:*"):
        valkey().delete(key)
    valkey().hset(GAUGE, mapping={"g": 1, "s": 0, "r": 0})


class Counters(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        empty()
        self.model = Model()
        self.seconds: dict[str, int] = {}
        self.began = time.monotonic()

    @rule(tokens=integers(0, 60), amount=integers(0, 500))
    def reserve(self, tokens: int, amount: int) -> None:
        call_id = f"call-{next(_ids)}"
        reply = reserve(call_id, tokens, amount)
        assert (reply[0] == b"A") == self.model.has_room(tokens, amount)
        if reply[0] == b"A":
            self.model.window += tokens
            self.model.open[call_id] = (tokens, amount)
            self.seconds[call_id] = reply[1]
            assert reply[2] == LIMITS[WINDOW] - self.model.window
            left = LIMITS[GAUGE] - self.model.spent - self.model.reserved
            assert reply[3:] == [left, LIMITS[SLOTS] - len(self.model.open)]

    @rule(share=sampled_from([0, 50, 100, 150]))
    def settle(self, share: int) -> None:
        if not self.model.open:
            return
        call_id, (tokens, amount) = next(iter(self.model.open.items()))
        used, spent = tokens * share // 100, amount * share // 100
        settle(call_id, self.seconds[call_id], amount, used - tokens, spent)
        del self.model.open[call_id]
        self.model.window += used - tokens
        self.model.spent += spent

    @rule()
    def expire(self) -> None:
        """The process of the oldest call died long ago; its spending comes all the same, late."""
        if not self.model.open:
            return
        call_id, (_, amount) = next(iter(self.model.open.items()))
        del self.model.open[call_id]
        valkey().zadd(f"{GAUGE}:o", {f"{call_id}|{amount}": 1}, xx=True)
        valkey().zadd(f"{SLOTS}:o", {f"{call_id}|1": 1}, xx=True)
        valkey().hset(GAUGE, "e", 1)
        valkey().hset(SLOTS, "e", 1)
        settle_after = reserve(f"call-{next(_ids)}", 101, 0)
        assert (
            settle_after[0] == b"R"
        )  # too long for the window, after the gauges were swept or not
        valkey().eval(
            script("settle"), 2, "test:stream", GAUGE, "e", "", call_id, "g", amount, 7, ""
        )
        self.model.spent += 7

    @invariant()
    def the_counters_are_the_models(self) -> None:
        if not hasattr(self, "model"):
            return
        assert time.monotonic() - self.began < 50, "the window moved on"
        state = valkey().hgetall(GAUGE)
        assert int(state[b"s"]) == self.model.spent
        members = valkey().zrangebyscore(f"{GAUGE}:o", 1_000, "+inf")
        assert sum(int(m.rpartition(b"|")[2]) for m in members) == self.model.reserved
        assert int(valkey().hget(WINDOW, "t") or 0) == self.model.window


Counters.TestCase.settings = settings(untimed, max_examples=25, stateful_step_count=30)
TestCounters = Counters.TestCase


@pytest.fixture(autouse=True)
def counters():
    empty()
    yield
    empty()


def test_all_or_nothing():
    assert reserve("one", 10, 1_001)[0] == b"R"
    assert valkey().hget(WINDOW, "t") is None
    assert valkey().zcard(f"{SLOTS}:o") == 0


def test_what_expired_is_free_with_the_next_call():
    assert reserve("one", 1, 900, lease_ms=-1)[0] == b"A"
    assert reserve("two", 1, 900)[0] == b"A"
    assert int(valkey().hget(GAUGE, "r")) == 900


def test_a_window_lets_go_after_a_minute():
    """The clock is Valkey's, so the buckets are moved instead."""
    assert reserve("one", 100, 1)[0] == b"A"
    second = int(valkey().hget(WINDOW, "l"))
    refused = reserve("two", 1, 1)
    assert refused[0] == b"R"
    assert 59_000 <= refused[2] <= 61_000
    for age, is_admitted in ((59, False), (60, False), (61, True), (200, True)):
        valkey().delete(WINDOW)
        then = second - age
        valkey().hset(WINDOW, mapping={"t": 100, "l": then, str(then % 61): 100})
        now = int(valkey().time()[0])
        expected = is_admitted or now - then >= 61
        assert (reserve(f"later-{age}", 1, 1)[0] == b"A") == expected, age
        settle(f"later-{age}", 0, 1, 0, 0)


def test_a_settlement_is_made_once():
    assert reserve("one", 10, 100)[0] == b"A"
    second = int(valkey().hget(WINDOW, "l"))
    settle("one", second, 100, 0, 30)
    settle("one", second, 100, 0, 0)
    state = valkey().hgetall(GAUGE)
    assert (int(state[b"s"]), int(state[b"r"])) == (30, 0)


def test_changed_versions_reserve_nothing():
    valkey().set("test:v1", "8")
    valkey().set("test:v2", "3")
    for known, is_admitted in (("8", True), ("9", True), ("7", False)):
        keys = ("test:v1", "test:v2", WINDOW)
        reply = valkey().eval(
            script("reserve"), 3, *keys, known, "3", "one", LEASE_MS, "w", 100, 1, "", ""
        )
        assert (reply[0] == b"A") == is_admitted
    assert reply == [b"S", b"8", b"3"]
    assert int(valkey().hget(WINDOW, "t")) == 2


def test_what_is_settled_while_a_gauge_is_made_anew_counts_once():
    valkey().hset(GAUGE, "b", "1")
    settle("in the ledger", 0, 0, 0, 40)
    settle("not in the ledger", 0, 0, 0, 2)
    valkey().hset(GAUGE, "g", 0)
    arguments = (5, 140, 60_000, 1, "in the ledger", "held", 11, 60_000)
    assert valkey().eval(script("rebuilt"), 1, GAUGE, *arguments) == 1
    state = valkey().hgetall(GAUGE)
    assert (int(state[b"s"]), int(state[b"r"]), int(state[b"g"])) == (142, 11, 5)
    assert valkey().eval(script("rebuilt"), 1, GAUGE, 5, 0, 60_000, 0) == 0
    assert int(valkey().hget(GAUGE, "s")) == 142
    assert not valkey().exists(f"{GAUGE}:p")
