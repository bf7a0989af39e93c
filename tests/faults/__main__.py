"""`make faults`: run the drills, print what each counted, and fail where a promise broke."""

import subprocess
import sys
import time
from collections.abc import Callable

from tests.faults import (
    drill_budget,
    drill_disconnect,
    drill_exactly_once,
    drill_postgres,
    drill_reservations,
    drill_valkey,
)
from tests.faults.drill import Findings, in_words

DRILLS: dict[str, tuple[str, Callable[[], Findings]]] = {
    "1": ("every acknowledged completion is metered exactly once", drill_exactly_once.run),
    "3": ("a hard budget is never oversold", drill_budget.run),
    "4": ("every reservation settles", drill_reservations.run),
    "5": ("a disconnect is billed", drill_disconnect.run),
    "13": ("Valkey dead or flushed: calls flow, no money is lost", drill_valkey.run),
    "14": ("PostgreSQL dead: configured models answer, all is metered", drill_postgres.run),
}


def main(wanted: list[str]) -> int:
    """A process for each drill: the hub's settings are read once."""
    unknown = [number for number in wanted if number not in DRILLS]
    if unknown:
        print(f"There is no drill for promise {unknown[0]}: {', '.join(DRILLS)}", file=sys.stderr)
        return 1
    numbers = wanted or list(DRILLS)
    if len(numbers) == 1:
        return _drill(numbers[0])
    codes = [subprocess.call([sys.executable, "-m", "tests.faults", n]) for n in numbers]
    print(f"\n{codes.count(0)} of {len(codes)} promises held")
    return 1 if any(codes) else 0


def _drill(number: str) -> int:
    words, run = DRILLS[number]
    print(f"\nPromise {number}: {words}", flush=True)
    started = time.monotonic()
    findings = run()
    print(f"  {in_words(findings.counts)}")
    for complaint in findings.complaints:
        print(f"  BROKEN: {complaint}")
    verdict = "broken" if findings.complaints else "held"
    print(f"  {verdict}, after {time.monotonic() - started:.0f} s", flush=True)
    return 1 if findings.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
