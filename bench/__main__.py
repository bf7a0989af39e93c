"""`make bench`: run the measurements, on hubs of their own, and print what they found.

`make bench ARGS=gateways:quick` gives a measurement a word of its own after the colon.
"""

import sys
from collections.abc import Callable, Mapping

from bench.servers import hub_temporary

MEASUREMENTS = (
    "tenant_creation",
    "stream_reader",
    "translation",
    "hub",
    "drain",
    "usage_reports",
    "limits",
    "gateways",
)
MEMORY_CALLS = 200_000

Result = Mapping[str, float | str]


def main(names: list[str]) -> int:
    unknown = [name for name in names if name.partition(":")[0] not in MEASUREMENTS]
    if unknown:
        print(f"There is no measurement {unknown[0]!r}: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 1
    for asked in names or MEASUREMENTS:
        name, _, mode = asked.partition(":")
        _print(name, _RUN[name](mode))
    return 0


def _tenant_creation(mode: str) -> Result:
    with hub_temporary():
        from bench import tenant_creation

        return tenant_creation.run()


def _stream_reader(mode: str) -> Result:
    from bench import stream_reader

    return stream_reader.run()


def _translation(mode: str) -> Result:
    from bench import translation

    return translation.run()


def _hub(mode: str) -> Result:
    from bench import hub

    return hub.run()


def _drain(mode: str) -> Result:
    with hub_temporary():
        from bench import drain

        return drain.run()


def _usage_reports(mode: str) -> Result:
    with hub_temporary():
        from bench import usage_reports

        return usage_reports.run()


def _limits(mode: str) -> Result:
    with hub_temporary():
        from bench import limits

        return limits.run()


def _gateways(mode: str) -> Result:
    """`quick`: fewer and shorter rounds. `memory`: one gateway over MEMORY_CALLS calls alone."""
    from bench.gateways import run

    if mode == "memory":
        return run.memory_run(MEMORY_CALLS)
    return run.run(mode)


_RUN: dict[str, Callable[[str], Result]] = {
    "tenant_creation": _tenant_creation,
    "stream_reader": _stream_reader,
    "translation": _translation,
    "hub": _hub,
    "drain": _drain,
    "limits": _limits,
    "usage_reports": _usage_reports,
    "gateways": _gateways,
}


def _print(name: str, result: Result) -> None:
    print(f"\n{name}")
    width = max(len(label) for label in result)
    for label, figure in result.items():
        print(f"  {label:<{width}}  {figure!s:>10}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
