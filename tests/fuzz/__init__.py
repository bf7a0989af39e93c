"""Schemathesis against a running hub: `make fuzz ARGS=MINUTES`. Not collected by pytest."""
