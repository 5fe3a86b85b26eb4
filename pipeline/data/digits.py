"""The handwritten digits that come inside scikit-learn: always there, and enough for a first network.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository
(1998).
"""

import numpy as np

from pipeline.data import digest
from pipeline.data.dataset import Dataset, Split
from pipeline.data.split import stratified, subset

NAME, ABOUT = "digits", "handwritten digits, small"
LABELS = tuple("0123456789")
TEST_SIZE = 360  # a fifth of the 1,797
SPLIT_SEED = 20  # not the training's seed: the test set is the same for everybody


def load() -> Dataset:
    """1,797 pictures, uint8 [N,1,8,8], ink bright on black: 1,437 to learn from and 360 to be tested on."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)  # pixels from 0 to 16
    X = np.round(pixels * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    everything = Split(X, labels.astype(np.int64))
    kept, held = stratified(everything.labels, TEST_SIZE, np.random.default_rng(SPLIT_SEED))
    return digest.dataset(NAME, subset(everything, kept), subset(everything, held), LABELS, "ink")
