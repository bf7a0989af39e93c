"""Measurements behind docs/performance.md: `make bench`, or `make bench ARGS=<name>`."""
