"""HTTP/1.1 on an event loop: sockets, the bytes of requests and answers, and what may go wrong between them.

httptools (Node's parser) reads and uvloop moves the bytes; one thread does all of it, so that a small request is
answered where it was read. docs/serving.md says what this is worth.
"""
