"""The service described for machines: OpenAPI 3.1, as GET /openapi.json answers it.

What a route takes, answers and refuses stands in the module here that is called as its module in service/routes, as
Operations by path and method. document.py adds what is the same for all: ids, admission, keys, the shape of errors.
Tests hold it against the routes, and the answers that they get against it (docs/serving.md).
"""
