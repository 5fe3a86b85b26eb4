"""Runs the checks of a script of this folder, which an environment with other people's clients runs, without pytest."""

import sys
import traceback
from collections.abc import Callable


def run(checks: list[Callable[[str], None]]) -> None:
    """Each check with the server's address; a line for each, the traceback of those that fail, exit 1 if any does."""
    failed = 0
    for check in checks:
        try:
            check(sys.argv[1])
            print(f"ok      {check.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {check.__name__}\n{traceback.format_exc()}", flush=True)
    sys.exit(failed > 0)
