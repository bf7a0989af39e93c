"""Where an Azure resource is called: by deployments under a dated version, or by its v1 surface.

https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
"""

import re
from typing import NamedTuple
from urllib.parse import quote

from providers.protocols.wire import Target

LISTING_VERSION = "2023-03-15-preview"
"""The last version that lists deployments with the resource's own key; later ones want a login."""

_V1_NAMES = frozenset({"v1", "latest", "preview"})
_SURFACE = re.compile(r"/openai(?:/v1|/deployments(?:/[^/]+)?)?$", re.IGNORECASE)
_KNOWS_STREAM_OPTIONS_SINCE = "2024-09-01"


class Resource(NamedTuple):
    """`root` is the resource's address without `/openai`; `version` is empty where none is sent."""

    root: str
    version: str
    is_v1: bool

    @classmethod
    def of(cls, target: Target) -> "Resource":
        """Reads what people paste: the bare address, `/openai`, `/openai/v1`, a deployment's.

        An address that ends with `/openai/v1` means that surface, whatever the version says.
        """
        version = str(target.credentials.get("api_version") or "v1").lower()
        root = _SURFACE.sub("", target.base_url)
        is_v1 = version in _V1_NAMES or target.base_url.lower().endswith("/openai/v1")
        if is_v1:
            return cls(root, "preview" if version == "preview" else "", True)
        return cls(root, version, False)

    @property
    def knows_stream_options(self) -> bool:
        return self.is_v1 or self.version >= _KNOWS_STREAM_OPTIONS_SINCE

    def url(self, path: str, deployment: str) -> str:
        """`path` is OpenAI's, such as `/chat/completions`."""
        query = f"?api-version={quote(self.version, safe='')}" if self.version else ""
        if self.is_v1:
            return f"{self.root}/openai/v1{path}{query}"
        return f"{self.root}/openai/deployments/{quote(deployment, safe='')}{path}{query}"

    @property
    def listing_url(self) -> str:
        return f"{self.root}/openai/deployments?api-version={LISTING_VERSION}"
