"""What was asked of each model: counted by every worker, summed, and told in Triton's terms."""

import json
import multiprocessing
import threading
from pathlib import Path
from time import time

import pytest
from flask.testing import FlaskClient
from stores import publish_images

from service.app import create_app
from service.config import Config
from service.v2.statistics import ROWS, Counts, Statistics, Title

TOOK = (100, 20, 3)


def infer(client: FlaskClient, rows: int, model: str = "cnn") -> int:
    headers = {"Inference-Header-Content-Length": "0"}
    return client.post(f"/v2/models/{model}/infer", data=bytes(rows * 64), headers=headers).status_code


def test_counts_of_a_model(client: FlaskClient) -> None:
    for rows, status in {1: 200, 3: 200, 4: 200, 5: 413}.items():
        assert infer(client, rows) == status
    assert infer(client, 1) == 200
    (found,) = client.get("/v2/models/cnn/stats").json["model_stats"]
    assert (found["name"], found["version"]) == ("cnn", "1")
    assert (found["inference_count"], found["execution_count"]) == (9, 4)
    assert abs(found["last_inference"] / 1000 - time()) < 60
    parts = found["inference_stats"]
    assert {name: each["count"] for name, each in parts.items()} == {
        "success": 4, "fail": 1, "queue": 4, "compute_input": 4, "compute_infer": 4, "compute_output": 4,
        "cache_hit": 0, "cache_miss": 0,
    }  # fmt: skip
    steps = ("compute_input", "compute_infer", "compute_output")
    assert parts["success"]["ns"] == sum(parts[step]["ns"] for step in steps)
    assert all(parts[step]["ns"] > 0 for step in (*steps, "fail"))
    assert [(each["batch_size"], each["compute_infer"]["count"]) for each in found["batch_stats"]] == [
        (1, 2),
        (3, 1),
        (4, 1),
    ]
    assert sum(each["compute_infer"]["ns"] for each in found["batch_stats"]) == parts["compute_infer"]["ns"]


def test_models_and_versions_apart(store: Path, client: FlaskClient) -> None:
    publish_images(store, version=2)
    client = create_app(Config(store=store)).test_client()
    assert client.post("/v2/models/cnn/versions/1/infer", data=b"x").status_code == 400
    infer(client, 2)
    infer(client, 1)

    def counts(path: str) -> list[tuple[str, str, int, int]]:
        stats = client.get(f"/v2/models{path}/stats").json["model_stats"]
        return [
            (each["name"], each["version"], each["inference_count"], each["inference_stats"]["fail"]["count"])
            for each in stats
        ]

    assert counts("/cnn") == [("cnn", "1", 0, 1), ("cnn", "2", 3, 0)]
    assert counts("/cnn/versions/1") == [("cnn", "1", 0, 1)]
    assert counts("/linear") == [("linear", "1", 0, 0)]  # nothing yet is nothing, not nowhere
    assert counts("") == [("cnn", "1", 0, 1), ("cnn", "2", 3, 0), ("linear", "1", 0, 0)]
    assert client.get("/v2/models/nope/stats").status_code == 404
    assert client.get("/v2/models/cnn/versions/7/stats").status_code == 404


def count(folder: Path, times: int) -> None:
    """A worker that counts and is gone."""
    statistics = Statistics(folder)
    for _ in range(times):
        statistics.succeeded("cnn", 1, 8, TOOK)


def test_sums_over_workers_that_live_and_workers_that_died(tmp_path: Path) -> None:
    mine, other = Statistics(tmp_path), Statistics(tmp_path)
    mine.succeeded("cnn", 1, 8, TOOK)
    other.failed("cnn", 1, 7)
    workers = [multiprocessing.get_context("spawn").Process(target=count, args=(tmp_path, 50)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    sums = mine.sums()
    assert sums == other.sums() == Statistics(tmp_path).sums()
    assert sums[Title("cnn", 1, 8)][1:] == (101, 101 * 123, 0, 0, 101 * 100, 101 * 20, 101 * 3)
    assert sums[Title("cnn", 1, 0)][1:] == (0, 0, 1, 7, 0, 0, 0)


def test_table_of_a_dead_worker_is_taken_over(tmp_path: Path) -> None:
    for _ in range(5):
        count(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["statistics-0"]
    assert Statistics(tmp_path).sums()[Title("cnn", 1, 8)].successes == 5


def test_threads_of_a_worker_lose_no_count(tmp_path: Path) -> None:
    statistics = Statistics(tmp_path)

    def ask() -> None:
        for _ in range(500):
            statistics.succeeded("cnn", 1, 1, TOOK)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statistics.sums()[Title("cnn", 1, 1)].successes == 2000


@pytest.mark.parametrize("shared", [True, False])
def test_full_table_stops_counting_what_is_new(tmp_path: Path, shared: bool) -> None:
    statistics = Statistics(tmp_path if shared else None)
    for batch in range(1, ROWS + 10):
        statistics.succeeded("c" * 255 + ".preprocess", 999_999_999, batch, TOOK)
    statistics.succeeded("c" * 255 + ".preprocess", 999_999_999, 1, TOOK)
    sums = statistics.sums()
    assert len(sums) == ROWS
    assert sums[Title("c" * 255 + ".preprocess", 999_999_999, 1)].successes == 2


def test_counts_add_up() -> None:
    assert Counts(5, 1, 2, 3, 4, 5, 6, 7).plus(Counts(4, 1, 1, 1, 1, 1, 1, 1)) == Counts(5, 2, 3, 4, 5, 6, 7, 8)


def test_statistics_are_json(client: FlaskClient) -> None:
    assert json.loads(client.get("/v2/models/stats").data).keys() == {"model_stats"}
