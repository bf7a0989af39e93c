"""`make bench`: run the measurements, on hubs of their own, and print what they found."""

import sys
from collections.abc import Callable, Mapping

from bench.servers import hub_temporary

MEASUREMENTS = ("tenant_creation", "stream_reader", "hub", "drain", "usage_reports")

Result = Mapping[str, float | str]


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"There is no measurement {unknown[0]!r}: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 1
    for name in names or MEASUREMENTS:
        _print(name, _RUN[name]())
    return 0


def _tenant_creation() -> Result:
    with hub_temporary():
        from bench import tenant_creation

        return tenant_creation.run()


def _stream_reader() -> Result:
    from bench import stream_reader

    return stream_reader.run()


def _drain() -> Result:
    with hub_temporary():
        from bench import drain

        return drain.run()


def _usage_reports() -> Result:
    with hub_temporary():
        from bench import usage_reports

        return usage_reports.run()


def _hub() -> Result:
    from bench import hub

    return hub.run()


_RUN: dict[str, Callable[[], Result]] = {
    "tenant_creation": _tenant_creation,
    "stream_reader": _stream_reader,
    "hub": _hub,
    "drain": _drain,
    "usage_reports": _usage_reports,
}


def _print(name: str, result: Result) -> None:
    print(f"\n{name}")
    width = max(len(label) for label in result)
    for label, figure in result.items():
        print(f"  {label:<{width}}  {figure:>10}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
