"""Where Vertex is called: each region has a host of its own, and so has no region at all.

https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
"""

from urllib.parse import quote

from llmhub.base.errors import InvalidRequest
from providers.protocols.wire import Target

_MULTI_REGIONS = frozenset({"us", "eu"})


def region_of(target: Target) -> str:
    return str(target.credentials.get("google_region") or "global")


def base_of(target: Target) -> str:
    """The target's own address, else its region's; with the version at its end."""
    if target.base_url:
        return target.base_url
    region = region_of(target)
    if region == "global":
        host = "aiplatform.googleapis.com"
    elif region in _MULTI_REGIONS:
        host = f"aiplatform.{region}.rep.googleapis.com"
    else:
        host = f"{quote(region, safe='')}-aiplatform.googleapis.com"
    return f"https://{host}/v1"


def model_url(target: Target, publisher: str, model: str, method: str) -> str:
    project = target.credentials.get("google_project_id")
    if not isinstance(project, str) or not project:
        field = "api_key.google_project_id"
        raise InvalidRequest(f"{field} is required.", field=field)
    location = f"projects/{quote(project, safe=':')}/locations/{quote(region_of(target), safe='')}"
    name = quote(model, safe="@")
    return f"{base_of(target)}/{location}/publishers/{publisher}/models/{name}:{method}"


def listing_url(target: Target, publisher: str) -> str:
    """The Model Garden's list is there in one version alone."""
    root = base_of(target).removesuffix("/v1")
    return f"{root}/v1beta1/publishers/{publisher}/models?pageSize=100"
