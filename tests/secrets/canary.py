"""Keys that would be recognised anywhere, in every spelling that a leak could have."""

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Characters that each encoding spells differently; the last four may be shown.
CANARY = 'sk-canary+7h3/b1rd=s4ng&in%41the<m1ne>"endWXYZ'
SECOND = "sk-canary-of-the-operator-0123456789-LAST"


def spellings(secret: str) -> Iterator[bytes]:
    """Raw, URL-encoded, JSON, HTML, hexadecimal, and base64 at each of its three alignments."""
    yield secret.encode()
    for text in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield text.encode()
    yield from (json.dumps(secret)[1:-1].encode(), html.escape(secret).encode())
    yield secret.encode().hex().encode()
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + secret.encode())
        kept = whole[4 * (shift > 0) : 4 * ((shift + len(secret)) // 3)]
        yield from (kept, kept.replace(b"+", b"-").replace(b"/", b"_"))


def leaks(haystack: bytes, *secrets: str) -> list[str]:
    """The spellings that are found, also of all but the first few characters of a secret."""
    found = []
    for secret in secrets or (CANARY, SECOND):
        for part in (secret, secret[8:]):
            found += [form.decode() for form in spellings(part) if form in haystack]
        if secret[-5:].encode() in haystack:
            found.append(f"…{secret[-5:]}")
    return found
