"""Reads of the shared tables, one file per subject."""
