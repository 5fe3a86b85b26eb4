"""What the code that answers a request notes down about it, for the metrics, the log and the traces.

A request is worked on by one thread from beginning to end, so each thread has its own page.
"""

import threading

# The route of a request that matched none.
UNKNOWN = "unknown"


class Notes(threading.local):
    """route: the rule that matched. stages: (name, start, end) of each piece of work, by perf_counter.

    too_large: whether a picture was refused for its size.
    batches: how many pictures or rows each run had; predicted: (model, version, label) of each of them.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self, route: str = UNKNOWN) -> None:
        self.route = route
        self.too_large = False
        self.stages: list[tuple[str, float, float]] = []
        self.batches: list[int] = []
        self.predicted: list[tuple[str, int, str]] = []


notes = Notes()
