"""wrk, which asks the same over and over on a few connections, and what it says."""

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16
SCRIPT = """
wrk.method = "POST"
wrk.body = io.open("{body}", "rb"):read("*a")
{headers}
"""


@dataclass(frozen=True)
class Ask:
    """A POST request: the path, the body, its headers."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def requests_per_second(port: int, ask: Ask, seconds: int) -> float:
    """What the server at `port` answers to CONNECTIONS clients. Raises SystemExit when a request fails."""
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "script.lua"
        body.write_bytes(ask.body)
        headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in ask.headers.items())
        script.write_text(SCRIPT.format(body=body, headers=headers))
        where = f"http://127.0.0.1:{port}{ask.path}"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=30s", "-s", str(script), where]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said or not (found := re.search(r"Requests/sec:\s+([\d.]+)", said)):
        raise SystemExit(f"{where}: {said}")
    return float(found[1])
