"""Chat in the hub's terms, for protocols that say it in words of their own.

`asked` and `content` read a request, `answer` writes a reply, `chunk_reader` what a stream gives.
"""
