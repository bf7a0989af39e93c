"""`python -m llmhub.up`, which `make up` runs: everything the hub needs, started and supervised."""
