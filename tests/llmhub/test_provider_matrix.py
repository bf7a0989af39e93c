import json
from io import StringIO

from django.core.management import call_command


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("provider_matrix", *arguments, stdout=out)
    return out.getvalue()


def test_the_table_says_who_serves_what_and_who_does_not() -> None:
    lines = printed().splitlines()
    assert lines[0].split()[:3] == ["factory", "type", "served"]
    cohere = next(line for line in lines if line.startswith("Cohere") and " rerank " in line)
    assert cohere.split()[1:4] == ["rerank", "yes", "cohere"]
    assert "exchanges of the reference, official client" in cohere
    spark = next(line for line in lines if line.startswith("XunFei Spark") and " tts " in line)
    assert "no: its speech goes over WebSocket alone" in spark
    assert lines[-1].endswith(" are served.")


def test_it_prints_markdown() -> None:
    head, line, *rows = printed("--markdown").splitlines()
    assert head.startswith("| factory | type |")
    assert set(line) == {"|", "-"}
    assert all(row.count("|") == head.count("|") for row in rows)


def test_it_prints_json() -> None:
    rows = json.loads(printed("--json"))
    found = {(row["factory"], row["model_type"]): row for row in rows}
    assert found["Voyage AI", "rerank"]["protocol"] == "voyage"
    assert found["Voyage AI", "rerank"]["is_served"] is True
