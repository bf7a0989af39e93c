"""A first call to the gateway, to be copied into a shell."""

import json
import shlex


def example_call(*, public_url: str, model: str) -> str:
    """With the token taken from the environment: a page never shows one."""
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    return " \\\n  ".join(
        [
            f"curl {shlex.quote(public_url + '/v1/chat/completions')}",
            '-H "Authorization: Bearer $HUB_TOKEN"',
            '-H "Content-Type: application/json"',
            f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        ]
    )
