"""Wire formats of providers, without I/O: a call in the hub's terms becomes a request's bytes, a
reply's bytes become a result. Each protocol is a file or folder here and a line in `registry`."""
