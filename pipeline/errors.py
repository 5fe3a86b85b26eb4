"""What can go wrong in the pipeline. Each error carries the exit code of the command that meets it.

    PipelineError            1
    ├── DataError            3   a dataset that is unknown, missing, truncated or mislabelled
    │   └── DownloadError    4   a download that no mirror could complete
    ├── ArchitectureError    5   a network that does not parse, or does not fit its data
    ├── TrainingError        6   a training that cannot start, or diverged
    ├── RunError             7   a run folder that is missing, unfinished or damaged
    ├── ExportError          8   a network that ONNX cannot carry, or that fails the parity gate
    ├── StoreError           9   a model store that cannot be read or written
    ├── ReproductionError   10   a version that was trained again and came out with other bytes
    └── Interrupted        130   Ctrl-C, as shells expect; 143 if it was SIGTERM

Click answers a wrong option with 2.
"""


class PipelineError(Exception):
    """The root: its message is one line that says what was expected, what came and the way out."""

    exit_code = 1


class DataError(PipelineError):
    exit_code = 3


class DownloadError(DataError):
    exit_code = 4


class ArchitectureError(PipelineError):
    exit_code = 5


class TrainingError(PipelineError):
    exit_code = 6


class RunError(PipelineError):
    exit_code = 7


class ExportError(PipelineError):
    exit_code = 8


class StoreError(PipelineError):
    exit_code = 9


class ReproductionError(PipelineError):
    exit_code = 10


class Interrupted(PipelineError):  # noqa: N818  it is no error to stop
    exit_code = 130
