"""Every answer tells the browser what it may do with it."""

import pytest

from llmhub.security_headers import CONSOLE, REFERENCE, STRICT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "policy"),
    [
        ("/login/", STRICT),
        ("/nothing", STRICT),
        ("/llm/factories", STRICT),
        ("/static/pages/pages.css", STRICT),
        ("/admin/", CONSOLE),
        ("/llm/docs", REFERENCE),
    ],
)
def test_each_page_has_its_policy(client, address, policy):
    response = client.get(address)
    assert response["Content-Security-Policy"] == policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    response.close()


def test_the_strict_policy_lets_nothing_inline_or_foreign_run():
    assert "unsafe" not in STRICT
    assert "http" not in STRICT + CONSOLE + REFERENCE
    assert "default-src 'none'" in STRICT
    assert "frame-ancestors 'none'" in STRICT


@pytest.mark.parametrize("address", ["/login/", "/nothing"])
def test_pages_have_nothing_inline(client, address):
    shown = client.get(address).content.decode()
    assert "<style" not in shown
    assert " style=" not in shown
    assert "onclick" not in shown
    assert "<script>" not in shown
