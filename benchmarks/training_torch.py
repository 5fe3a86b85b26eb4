"""PyTorch's side of training.py: runs in a Python that has torch, and needs nothing else of this project's packages.

Reads its job as a line of JSON, then trains an epoch for each line that follows and answers with its seconds.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pipeline.network import notation
from pipeline.network.parser import parse


def module(text: str) -> nn.Sequential:
    """The layers of the notation, but for the softmax at the end, which the loss takes in."""
    architecture = parse(text)
    shape: tuple[int, ...] = architecture.shape
    layers: list[nn.Module] = [] if len(shape) == 3 else [nn.Flatten()]
    for spec in architecture.layers:
        match spec:
            case notation.Conv():
                layers.append(nn.Conv2d(shape[0], spec.filters, spec.kernel, spec.stride))
            case notation.Pool():
                layers.append(nn.MaxPool2d(spec.kernel))
            case notation.Dense():
                if len(shape) == 3:
                    layers.append(nn.Flatten())
                layers.append(nn.Linear(int(np.prod(shape)), spec.units))
            case _:
                raise SystemExit(f"{spec}: not in this benchmark")
        if getattr(spec, "activation", None) == "relu":
            layers.append(nn.ReLU())
        shape = tuple(nn.Sequential(*layers)(torch.zeros(1, *architecture.shape)).shape[1:])
    return nn.Sequential(*layers)


def main() -> None:
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    torch.manual_seed(1)
    X = torch.from_numpy(np.load(Path(job["data"]) / "X.npy").astype(np.float32) / 255)
    labels = torch.from_numpy(np.load(Path(job["data"]) / "labels.npy"))
    network = module(job["architecture"])
    if job["tuned"] and X.ndim == 4:
        network, X = network.to(memory_format=torch.channels_last), X.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), job["learning_rate"], fused=True if job["tuned"] else None)
    print(json.dumps(f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})"), flush=True)
    for _ in sys.stdin:
        start, total = time.perf_counter(), 0.0
        for batch in torch.randperm(len(X)).split(job["batch_size"]):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(X[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(json.dumps({"seconds": time.perf_counter() - start, "loss": total / len(X)}), flush=True)


if __name__ == "__main__":
    main()
