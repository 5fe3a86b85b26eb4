"""The comparison of servers with nobody but this service in it: its figures are of right answers, and all there."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from project import ROOT, run

sys.path.insert(0, str(ROOT / "benchmarks"))
from asked import FORM, TENSOR, Sample

pytestmark = pytest.mark.slow


def test_the_service_is_measured_in_every_way_it_can_be_asked(need: Callable[..., None]) -> None:
    need("wrk", "shipped models")
    command = [sys.executable, ROOT / "benchmarks" / "serving.py", "--rounds", "1", "--seconds", "1"]
    said = run(*command, "--only", "numserve")
    assert len(re.findall(r"^\| numserve( \| [\d,]*[1-9][\d,]*){7} \|$", said, re.MULTILINE)) == 2  # pictures, CPU
    assert len(re.findall(r"^\| limit: .*?( \| [\d,]+){2} \| - \| [\d,]+( \| -){3} \|$", said, re.MULTILINE)) == 2
    assert len(re.findall(r"^\| [\w ]+ \| [\d,]+( \| \d+\.\d\d){4} \|$", said, re.MULTILINE)) == 3  # latencies


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample(max((ROOT / "models" / "cnn").glob("[0-9]*")))


def wrong_predictions(sample: Sample) -> list[dict[str, Any]]:
    right = sample.network.predictions(sample.X[:1])
    other = sample.network.predictions(sample.X[1:2])
    unsure = json.loads(json.dumps(right))
    unsure["predictions"][0]["top_k"][0]["probability"] -= 0.001
    return [other, unsure, {"predictions": []}]


def test_other_answers_than_those_of_onnxruntime_are_refused(sample: Sample) -> None:
    sample.check("somebody", FORM, json.dumps(sample.network.predictions(sample.X[:1])).encode(), None)
    for wrong in wrong_predictions(sample):
        with pytest.raises(SystemExit, match="somebody"):
            sample.check("somebody", FORM, json.dumps(wrong).encode(), None)
    for P in (sample.P[1], sample.P[0] + 0.001, sample.P[0, :9]):
        with pytest.raises(SystemExit, match="somebody"):
            sample.check("somebody", TENSOR, json.dumps({"outputs": [{"data": P.tolist()}]}).encode(), None)
