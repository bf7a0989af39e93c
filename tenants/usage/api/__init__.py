"""GET /llm/usage, /llm/requests and the settings of the ledger."""
