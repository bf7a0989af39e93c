"""The settings table of the README is the table of llmhub/variables.py, row by row."""

import re

from llmhub.config import ROOT
from llmhub.variables import VARIABLES

_ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>.*?) \| (?P<meaning>.*) \|$", re.M)


def _documented() -> list[tuple[str, str, str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## Settings\n")[2].partition("\n## ")[0]
    return [
        (row["name"], row["default"].strip("`"), row["meaning"]) for row in _ROW.finditer(section)
    ]


def test_the_readme_documents_every_variable_as_it_is() -> None:
    assert _documented() == [(v.name, v.default, v.meaning) for v in VARIABLES]
