"""The calls that go to a provider: one module for each kind, and a table of their paths."""

from gateway.endpoints.endpoint import Endpoint
from gateway.endpoints.table import ENDPOINTS

__all__ = ["ENDPOINTS", "Endpoint"]
