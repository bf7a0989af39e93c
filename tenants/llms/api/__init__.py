"""The management API under /llm, one file per subject. Views validate, call, and shape."""
