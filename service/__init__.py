"""From a published model to answers over HTTP: store, runtime, routes."""

import os

# Recent releases of onnxruntime send telemetry unless they are told not to, before the import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# One thread for NumPy's few products here: else each worker has threads that wait for none.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
