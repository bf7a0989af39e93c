"""Writes to what a tenant has configured, one file per subject."""
