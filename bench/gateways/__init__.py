"""`make bench ARGS=gateways`: this hub against other gateways, in one run and in turn."""
