import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from pipeline.evaluation.metrics import cross_entropy, measure, reliability, worst

Y = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1], [0.2, 0.2, 0.6]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 2])


def random(seed, n=50, K=4):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, K)) * 3
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rng.integers(0, K, n)


def test_a_small_example_by_hand():
    metrics = measure(Y, LABELS)
    assert metrics.samples == 4
    assert metrics.accuracy == 0.75
    assert metrics.mistakes == 1
    assert metrics.loss == pytest.approx(-np.mean(np.log([0.8, 0.6, 0.2, 0.6])))
    assert metrics.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    one = metrics.per_label[1]
    assert (one.precision, one.recall, one.support) == (1.0, 0.5, 2)
    assert one.f1 == pytest.approx(2 / 3)
    # Four bins with an answer each: |1 - 0.8|, |1 - 0.6| twice in one bin, |0 - 0.7|
    assert metrics.expected_calibration_error == pytest.approx((0.2 + 2 * 0.4 + 0.7) / 4)


def test_json_can_hold_it():
    read = json.loads(json.dumps(measure(Y, LABELS).to_json()))
    assert read["accuracy"] == 0.75
    assert read["confusion"][1] == [1, 1, 0]
    assert read["per_label"][2]["support"] == 1


@given(seed=st.integers(0, 1000))
def test_the_loss_is_that_of_scikit_learn(seed):
    Y, labels = random(seed)
    assert cross_entropy(Y, labels) == pytest.approx(log_loss(labels, Y, labels=range(4)))


@given(seed=st.integers(0, 1000))
def test_the_numbers_agree_with_one_another(seed):
    Y, labels = random(seed)
    metrics = measure(Y, labels)
    confusion = np.array(metrics.confusion)
    assert confusion.sum() == metrics.samples
    assert np.trace(confusion) == pytest.approx(metrics.accuracy * metrics.samples)
    assert [label.support for label in metrics.per_label] == confusion.sum(axis=1).tolist()
    assert 0 <= metrics.expected_calibration_error <= 1


def test_a_label_never_seen_and_never_answered():
    metrics = measure(np.array([[0.9, 0.1, 0.0]]), np.array([0]))
    assert metrics.per_label[2].support == 0
    assert metrics.per_label[2].f1 == 0


def test_being_sure_and_wrong_costs_much_but_not_everything():
    assert 20 < cross_entropy(np.array([[1.0, 0.0]]), np.array([1])) < 100


def test_confidence_that_keeps_its_word_is_calibrated():
    Y = np.tile([0.75, 0.25], (400, 1))
    labels = (np.arange(400) % 4 == 0).astype(int)
    assert reliability(Y, labels).error == pytest.approx(0)
    assert reliability(Y, 1 - labels).error == pytest.approx(0.5)
    assert reliability(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0, 1])).count.tolist() == [1] + [0] * 13 + [1]


def test_the_worst_mistakes_are_the_surest():
    Y = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    assert worst(Y, np.array([0, 0, 0, 0]), 10).tolist() == [3, 1, 2]
    assert worst(Y, np.array([0, 0, 0, 0]), 1).tolist() == [3]
    assert worst(Y, np.array([0, 1, 1, 1]), 10).tolist() == []
