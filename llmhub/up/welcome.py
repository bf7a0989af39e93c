"""What a newcomer reads when the hub is ready."""

from llmhub.config import HubConfig
from llmhub.embedded.model import MODEL_NAME
from llmhub.up.preparation import Prepared


def welcome(config: HubConfig, prepared: Prepared, seconds: float) -> str:
    password = prepared.operator_password or "(the one you chose)"
    lines = [
        "",
        f"LLM Hub is ready after {seconds:.1f} s at {config.public_url}",
        "",
        f"  Operator     {config.public_url}/admin/",
        f"               {prepared.operator_email}  {password}",
    ]
    if prepared.demo_token:
        lines += [
            f"  Demo tenant  {prepared.demo_tenant}",
            f"  Its token    {prepared.demo_token}",
            "",
            *_curl(config, prepared.demo_token),
        ]
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _curl(config: HubConfig, token: str) -> list[str]:
    return [
        f"  curl {config.public_url}/v1/chat/completions \\",
        f"    -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\",
        f'    -d \'{{"model": "{MODEL_NAME}", "messages": '
        '[{"role": "user", "content": "Say hello."}]}\'',
    ]
