"""From labelled images to a published model: data, network, training, evaluation, export."""

import os

# Both must be in the environment before NumPy and onnxruntime are imported, so they stand here.
# One BLAS thread a process: the workers are the parallelism, and the same seed gives the same bits.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# Recent releases of onnxruntime send telemetry unless they are told not to.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
