"""Reads of what a tenant has configured, one file per subject."""
