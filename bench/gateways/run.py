"""One run of the comparison, from the installation of the peers to the tables."""

import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from bench.gateways import floor, peers
from bench.gateways.contender import Contender, Server, is_answering
from bench.gateways.hub_under_test import HubUnderTest
from bench.gateways.report import Report, cpu_us, rate, show, table, write
from bench.gateways.rounds import (
    CHATS,
    FULL,
    QUICK,
    STREAMS,
    Effort,
    LoadGenerator,
    Results,
    measure,
    memory_mb,
    rounds_run,
)
from llmhub.embedded.ports import free_port

HUB, HUB_APART = "hub", "hub, ledger later"
PEER_NAMES = ("Portkey", "TensorZero", "LiteLLM")
_HUNDRED_PERCENT_S = 1e6


def run(mode: str) -> dict[str, str]:
    """`mode`: empty, or `quick` for rough figures in a few minutes; BENCH_ROUNDS sets the rounds.

    Prints the tables; gives where every round's figures are.
    """
    effort = QUICK if mode == "quick" else FULL
    effort = replace(effort, rounds=int(os.environ.get("BENCH_ROUNDS", effort.rounds)))
    with ExitStack() as stack:
        provider_port = free_port()
        provider = floor.provider_start(provider_port)
        stack.callback(provider.stop)
        load = LoadGenerator()
        stack.callback(load.close)
        hub = HubUnderTest(provider_port)
        stack.callback(hub.close)
        print("Starting the hub's servers, installing the peers", flush=True)
        hub.open()
        contenders = _contenders(provider_port, hub)
        for contender in contenders:
            stack.callback(contender.stop)
        starts = {c.name: _cold_start_s(c, effort) for c in contenders}
        at_rest = {c.name: memory_mb(c) for c in contenders}
        results = rounds_run(contenders, [*CHATS, *STREAMS], effort, provider, load)
        after = {c.name: memory_mb(c) for c in contenders}
        for contender in contenders:
            contender.stop()
        two = _two_workers(hub, effort, provider, load)
    _tell(Report(results), starts, at_rest, after, hub.switched_on, two)
    path = write(
        {
            "effort": vars(effort),
            "versions": peers.VERSIONS,
            "hub": hub.switched_on,
            "cold_start_s": starts,
            "memory_at_rest_mb": at_rest,
            "memory_after_mb": after,
            "rounds": Report(results).raw(),
            "two_workers": Report(two).raw(),
        }
    )
    return {"every round's figures": str(path.relative_to(path.parents[2]))}


def _contenders(provider_port: int, hub: HubUnderTest) -> list[Contender]:
    """The hub comes twice: with its ledger written at the same time, and with the events left in
    the stream until the measurement is over."""
    made = [peers.portkey(provider_port), peers.tensorzero(provider_port)]
    made.append(peers.litellm(provider_port))
    return [
        floor.direct(provider_port),
        floor.bare_proxy(provider_port),
        hub.contender(HUB),
        hub.contender(HUB_APART, is_ledger_later=True),
        *made,
    ]


def _cold_start_s(contender: Contender, effort: Effort) -> list[float]:
    """Seconds of several starts; the last one stays up. The first may have compiled bytecode and
    is not counted."""
    if contender.launch is None:
        contender.start()
        return []
    times = []
    for number in range(effort.starts + 1):
        if number:
            contender.stop()
        times.append(round(contender.start(), 3))
    print(f"  {contender.name}: first call answered after {times[1:]} s", flush=True)
    return times[1:]


def _two_workers(
    hub: HubUnderTest, effort: Effort, provider: Server, load: LoadGenerator
) -> Results:
    """One worker against two at 64 connections, in turn, the ledger written later."""
    pair = [hub.contender(f"{n} worker(s)", workers=n, is_ledger_later=True) for n in (1, 2)]
    cell = CHATS[-1]
    results: Results = {c.name: {cell.name: []} for c in pair}
    for _ in range(effort.rounds):
        for contender in pair:
            contender.start()
            try:
                assert contender.address is not None
                for _ in range(50):  # each worker meets the tenant before it is measured
                    is_answering(contender.address)
                result = measure(contender, cell, effort, provider, load)
            finally:
                contender.stop()
            results[contender.name][cell.name].append(result)
    return results


def _tell(
    report: Report,
    starts: dict[str, list[float]],
    at_rest: dict[str, dict[str, float]],
    after: dict[str, dict[str, float]],
    switched_on: dict[str, str],
    two: Results,
) -> None:
    print("\nThe hub's calls had: " + ", ".join(f"{k} {v}" for k, v in switched_on.items()) + "\n")
    print(report.text() + "\n")
    for hub in (HUB, HUB_APART):
        print(report.ratios(hub, PEER_NAMES) + "\n")
        added = report.added_ms(hub)
        print(f"  {hub} adds, ms: {', '.join(f'{k} {show(v)}' for k, v in added.items())}\n")
    rows = [_process_row(name, starts[name], at_rest[name], after[name]) for name in starts]
    print(table(["", "cold start s", "at rest MB", "after MB"], rows) + "\n")
    _tell_provider(report)
    _tell_two(Report(two))


def _process_row(
    name: str, starts: Sequence[float], at_rest: dict[str, float], after: dict[str, float]
) -> list[str]:
    start = statistics.median(starts) if starts else None
    return [name, show(start), show(at_rest.get("gateway")), show(after.get("gateway"))]


def _tell_provider(report: Report) -> None:
    """Neither provider nor load may be what is measured."""
    for cell in CHATS:
        direct = report.figure("direct", cell.name, rate)
        for group in ("provider", "load"):
            each = report.figure("direct", cell.name, cpu_us(group))
            most = None if not each else _HUNDRED_PERCENT_S / each
            print(
                f"  {cell.name}, direct: {show(direct)} req/s; the {group} needs {show(each)} us,"
                f" so {show(most)} req/s at most on a core of its own"
            )


def _tell_two(report: Report) -> None:
    cell = CHATS[-1].name
    one, both = (report.figure(f"{n} worker(s)", cell, rate) for n in (1, 2))
    if one and both:
        print(
            f"\n  two workers against one at 64 connections: {show(both)} / {show(one)} req/s ="
            f" {both / one:.2f}; load, provider and Valkey share the machine's"
            f" {os.cpu_count()} cores with them"
        )


def memory_run(calls: int) -> dict[str, float | str]:
    """The gateway's memory over so many calls."""
    with ExitStack() as stack:
        provider_port = free_port()
        provider = floor.provider_start(provider_port)
        stack.callback(provider.stop)
        load = LoadGenerator()
        stack.callback(load.close)
        hub = HubUnderTest(provider_port)
        stack.callback(hub.close)
        hub.open()
        contender = hub.contender()
        stack.callback(contender.stop)
        contender.start()
        effort = Effort(rounds=1, warm_s=0, measure_s=4, starts=1)
        found: dict[str, Any] = {"at rest, MB": memory_mb(contender)["gateway"]}
        done, told = 0, 0
        while done < calls:
            done += measure(contender, CHATS[1], effort, provider, load).calls
            if done >= told + calls // 8 or done >= calls:
                told = done
                found[f"after {done} calls, MB"] = memory_mb(contender)["gateway"]
    return found
