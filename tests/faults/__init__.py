"""Drills on a real hub: processes are killed, and the books must still agree.

`make faults` runs them all, `make faults ARGS="1 13"` those of two promises. The client, the
provider and the ledger each keep their own list of request ids.
"""
