"""The two routes that are asked most, answered without the detours of a framework.

Flask takes some 100 µs where a small picture takes 60. So the path, the parameters and the headers of POST /predict and
of POST /v2/models/<model>/infer are read here, and the API key where one is wanted; the same functions then answer as
behind Flask, which keeps everything else, and all when the application has other hooks that come before a request.
"""
