"""The operator's console at /admin/: catalog, tenants, shared connections, health, audit."""

from unfold.sites import UnfoldAdminSite


class OperatorSite(UnfoldAdminSite):
    site_title = "LLM Hub"
    site_header = "LLM Hub operator"
    index_title = "Overview"
