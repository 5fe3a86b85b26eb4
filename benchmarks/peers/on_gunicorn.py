"""The service's own Flask application as plain WSGI on gunicorn: what its server and its short cuts are worth.

gunicorn --workers 2 --worker-class gthread --threads 4 'on_gunicorn:application()'
"""

from typing import Any

from service.app import create_app
from service.config import Config


def application() -> Any:
    """Called in each worker, after the fork: sessions of onnxruntime would not survive it."""
    return create_app(Config.from_environment())
