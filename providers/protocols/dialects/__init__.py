"""The ways in which a caller may ask for chat, each to and from the hub's own terms."""
