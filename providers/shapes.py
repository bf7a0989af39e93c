"""The JSON that a factory's row holds: its endpoints, its credential fields, its logo.

The admin and the catalog files bring the same shapes; both are checked here. The errors say which
entry is wrong.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from llmhub.base.model_types import ModelType
from providers.pricing import FIGURE_NAMES
from providers.protocols.dialects.names import Dialect

_PROTOCOL = re.compile(r"[a-z][a-z0-9-]{1,29}")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ENDPOINT_KEYS = {"protocol", "base_url"}
_DIALECTS = tuple(dialect.value for dialect in Dialect)
_LOGO = re.compile(r"logos/[a-z0-9-]+\.svg|[^\W_]{1,3}")
_MONEY = re.compile(r"\d{1,7}(\.\d{1,9})?")
_TEXTS = ("label", "pattern", "placeholder", "help")
_FLAGS = ("is_secret", "is_required")
CREDENTIAL_KEYS = ("name", *_TEXTS, *_FLAGS)


def validate_logo(logo: str) -> None:
    """A logo is a file such as `logos/openai.svg`, or one to three initials."""
    if not _LOGO.fullmatch(logo):
        raise ValidationError("A logo is a file such as logos/name.svg, or one to three initials.")


def validate_tiers(tiers: Any) -> None:
    """`[{"above_input_tokens": count, figure: "decimal text"}]`, thresholds rising."""
    if not isinstance(tiers, Sequence) or isinstance(tiers, str):
        raise ValidationError("Tiers are a list of objects.")
    above = 0
    for tier in tiers:
        if not isinstance(tier, Mapping) or len(tier) < 2:
            raise ValidationError("A tier has above_input_tokens and one figure at least.")
        threshold = tier.get("above_input_tokens")
        if type(threshold) is not int or threshold <= above:
            raise ValidationError("above_input_tokens: whole numbers that rise from tier to tier.")
        above = threshold
        for figure in set(tier) - {"above_input_tokens"}:
            _validate_figure(figure, tier[figure])


def _validate_figure(figure: str, text: Any) -> None:
    if figure not in FIGURE_NAMES:
        raise ValidationError(f"{figure!r} is not a figure of a price.")
    if not isinstance(text, str) or not _MONEY.fullmatch(text):
        raise ValidationError(f'{figure}: a figure is a text such as "2.50".')


def validate_endpoints(endpoints: Any) -> None:
    """`{model type: {"protocol": name, "base_url": URL or ""}}`. Raises ValidationError.

    An endpoint may add `dialects`: what it speaks beside what its protocol always does. An unknown
    protocol's name is fine: calls are refused as not supported until the hub speaks it.
    """
    if not isinstance(endpoints, Mapping):
        raise ValidationError("Endpoints are an object with model types as keys.")
    for model_type, endpoint in endpoints.items():
        if model_type not in set(ModelType):
            raise ValidationError(f"{model_type!r} is not a model type.")
        _validate_endpoint(model_type, endpoint)


def _validate_endpoint(model_type: str, endpoint: Any) -> None:
    if not isinstance(endpoint, Mapping) or set(endpoint) - {"dialects"} != _ENDPOINT_KEYS:
        raise ValidationError(
            f"{model_type}: an endpoint has protocol and base_url, and dialects at most."
        )
    dialects = endpoint.get("dialects", [])
    if not isinstance(dialects, list) or not all(name in _DIALECTS for name in dialects):
        known = ", ".join(_DIALECTS)
        raise ValidationError(f"{model_type}: dialects is a list of some of: {known}.")
    protocol, base_url = endpoint["protocol"], endpoint["base_url"]
    if not isinstance(protocol, str) or not _PROTOCOL.fullmatch(protocol):
        raise ValidationError(f"{model_type}: a protocol's name is lower case, such as openai.")
    if not isinstance(base_url, str) or not _is_base_url(base_url):
        raise ValidationError(f"{model_type}: a base URL is empty, or http(s)://host/path.")


def validate_regions(regions: Any) -> None:
    """A list of `{"name": text, "base_urls": {model type: URL}}`. Raises ValidationError.

    Other addresses of the same provider, for a tenant whose account is there.
    """
    if not isinstance(regions, Sequence) or isinstance(regions, str):
        raise ValidationError("Regions are a list of objects.")
    for region in regions:
        _validate_region(region)
    names = [region["name"] for region in regions]
    if len(set(names)) != len(names):
        raise ValidationError("Two regions have the same name.")


def _validate_region(region: Any) -> None:
    if not isinstance(region, Mapping) or set(region) != {"name", "base_urls"}:
        raise ValidationError("A region has exactly name and base_urls.")
    name, base_urls = region["name"], region["base_urls"]
    if not isinstance(name, str) or not name:
        raise ValidationError("A region's name is a text.")
    if not isinstance(base_urls, Mapping) or not base_urls:
        raise ValidationError(f"{name}: base_urls are an object with model types as keys.")
    for model_type, base_url in base_urls.items():
        if model_type not in set(ModelType):
            raise ValidationError(f"{name}: {model_type!r} is not a model type.")
        if not isinstance(base_url, str) or not base_url or not _is_base_url(base_url):
            raise ValidationError(f"{name}: {model_type}: a base URL is http(s)://host/path.")


def _is_base_url(base_url: str) -> bool:
    if not base_url:
        return True
    try:
        parts = urlsplit(base_url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in ("http", "https") and has_host and is_plain


def validate_credential_fields(credential_fields: Any) -> None:
    """A list of objects with CREDENTIAL_KEYS; their names differ. Raises ValidationError."""
    if not isinstance(credential_fields, Sequence) or isinstance(credential_fields, str):
        raise ValidationError("Credential fields are a list of objects.")
    for field in credential_fields:
        _validate_credential_field(field)
    names = [field["name"] for field in credential_fields]
    if len(set(names)) != len(names):
        raise ValidationError("Two credential fields have the same name.")


def _validate_credential_field(field: Any) -> None:
    if not isinstance(field, Mapping) or set(field) != set(CREDENTIAL_KEYS):
        raise ValidationError("A credential field has exactly " + ", ".join(CREDENTIAL_KEYS) + ".")
    name = field["name"]
    if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
        raise ValidationError(f"{name!r}: a field's name is lower case, such as api_key.")
    if not all(isinstance(field[key], str) for key in _TEXTS):
        raise ValidationError(f"{name}: " + ", ".join(_TEXTS) + " are texts.")
    if not all(isinstance(field[key], bool) for key in _FLAGS):
        raise ValidationError(f"{name}: " + ", ".join(_FLAGS) + " are true or false.")
    try:
        re.compile(field["pattern"])
    except re.error as error:
        raise ValidationError(
            f"{name}: the pattern is not a regular expression: {error}."
        ) from None
