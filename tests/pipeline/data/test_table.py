"""Tables: what is read, what is refused and in which line."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data import table
from pipeline.errors import DataError

SALARIES = "years,rank,salary\n5,1,5500\n3,2,2300.5\n8,3,7600\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pay.csv"


def many(n: int) -> str:
    return "a,b,kind\n" + "".join(f"{at},{-at},{('no', 'yes')[at % 3 == 0]}\n" for at in range(n))


def test_numbers_to_be_met(path: Path) -> None:
    data = table.load(write(path, SALARIES), task="regression")
    np.testing.assert_array_equal(data.train.X, np.array([[5, 1], [3, 2], [8, 3]], np.float32))
    np.testing.assert_array_equal(data.train.labels, np.array([5500, 2300.5, 7600], np.float32))
    assert (data.name, data.task, data.target, data.labels) == ("pay", "regression", "salary", ("salary",))
    assert (data.columns, data.shape, data.train.labels.dtype) == (("years", "rank"), (2,), np.float32)


def test_any_column_can_be_the_target(path: Path) -> None:
    data = table.load(write(path, SALARIES), target="years", task="regression")
    assert (data.target, data.columns) == ("years", ("rank", "salary"))
    assert data.train.labels.tolist() == [5, 3, 8]
    assert data.train.X[1].tolist() == [2, 2300.5]


def test_labels_stand_in_their_order(path: Path) -> None:
    words = table.load(write(path, "x,kind\n1,pear\n2,apple\n3,pear\n"))
    assert (words.labels, words.train.labels.tolist()) == (("apple", "pear"), [1, 0, 1])
    numbers = table.load(write(path, "x,kind\n1,10\n2,9\n3,-1\n4,10\n"))
    assert (numbers.labels, numbers.train.labels.tolist()) == (("-1", "9", "10"), [2, 1, 0, 2])


def test_few_examples_are_all_learned_and_all_tested(path: Path) -> None:
    data = table.load(write(path, many(table.FEW - 1)))
    assert data.test is data.train
    assert len(data.train) == table.FEW - 1


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_fifth_of_many_is_set_apart_by_the_seed(path: Path, task: str) -> None:
    text = many(100) if task == "classification" else many(100).replace("no", "1.5").replace("yes", "2.5")
    write(path, text)
    data, same, other = (table.load(path, seed, task=task) for seed in (1, 1, 2))
    assert (len(data.train), len(data.test)) == (80, 20)
    assert not set(data.train.X[:, 0]) & set(data.test.X[:, 0])
    assert data.sha256 == same.sha256 != other.sha256
    assert sorted({*data.test.X[:, 0]}) != [*range(20)], "not the first ones"


def test_quotes_semicolons_blank_lines_and_a_byte_order_mark(path: Path) -> None:
    path.write_bytes('\ufeff"years; worked";salary\r\n\r\n"5"; 5500\r\n3;"2300"\r\n'.encode())
    data = table.load(path, task="regression")
    assert (data.columns, data.target) == (("years; worked",), "salary")
    assert data.train.X.tolist() == [[5], [3]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected a line with the names of the columns and two examples"),
        ("a,b\n1,2\n", "two examples or more"),
        ("1,2\n3,4\n5,6\n", "line 1: expected the names of the columns, came numbers"),
        ("a,a\n1,2\n3,4\n", "line 1: expected different names"),
        ("a\n1\n2\n", "line 1: expected different names of two columns"),
        ("a,b\n1,2\n\n3\n", "line 4: expected 2 columns, came 1"),
        ("a,b\n1,2\nx,4\n", "line 3: expected a number that fits float32 in “a”, came “x”"),
        ("a,b\n1,2\n,4\n", "line 3: expected a number that fits float32 in “a”, came “”"),
        ("a,b\n1,2\nnan,4\n", "line 3: expected a number"),
        ("a,b\n1,2\n1e39,4\n", "line 3: expected a number"),
        ("a,b\n1,2\n3,\n", "expected two labels or more, and none empty"),
        ("a,b\n1,x\n3,x\n", "expected two labels or more"),
        ('a,b\n1,"2\n3,4\n', "expected a text file of columns"),
        (many(20) + "99,0,once\n", "there is one of “once”"),
        ("a,b\n" + "".join(f"{n},{n / 7}\n" for n in range(50)), "`train linear` learns"),
    ],
)
def test_what_is_refused(path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError) as refused:
        table.load(write(path, text))
    assert complaint in str(refused.value)


def test_what_is_no_text_or_no_column(path: Path) -> None:
    path.write_bytes(b"a,b\n\xff,1\n2,3\n")
    with pytest.raises(DataError, match="expected a text file of columns in UTF-8"):
        table.load(path)
    with pytest.raises(DataError, match="expected a column called “pay”, there are years, rank, salary"):
        table.load(write(path, SALARIES), target="pay")
    with pytest.raises(DataError, match="“kind”"):
        table.load(write(path, many(30)), task="regression")
