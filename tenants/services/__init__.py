"""Writes to the shared tables, one file per subject."""
