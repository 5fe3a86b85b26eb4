"""The parser: every form of the notation, and errors that point at the character."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import ArchitectureError
from pipeline.network.notation import ACTIVATIONS, Conv, Dense, Dropout, Flatten, Pool
from pipeline.network.parser import LAYERS, parse


@pytest.mark.parametrize("m", [0, 1, 3])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("k", [1, 2])
def test_every_form_of_the_textbooks(n: int, pool: bool, m: int, k: int) -> None:
    """INPUT -> (CONV * N -> POOL?) * M -> FC * K."""
    block = f"(CONV 4@3x3 relu * {n}{' -> POOL max 2x2' if pool else ''}) * {m} -> " if m else ""
    read = parse(f"INPUT 1x28x28 -> {block}FC 10 * {k}")
    assert read.shape == (1, 28, 28)
    once = [Conv(4, (3, 3), activation="relu")] * n + [Pool("max", (2, 2))] * pool
    assert read.layers == once * m + [Dense(10)] * k


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("CONV 16@5x5", Conv(16, (5, 5))),
        ("CONV 16@5x3 stride 2 same relu", Conv(16, (5, 3), 2, "same", "relu")),
        ("CONV 16@5x5 valid tanh", Conv(16, (5, 5), activation="tanh")),
        ("CONV 16@5x5 stride 1", Conv(16, (5, 5))),
        ("POOL max 2x3", Pool("max", (2, 3))),
        ("POOL avg 3x3 stride 2", Pool("avg", (3, 3), 2)),
        ("FC 128", Dense(128)),
        ("FC 128 identity", Dense(128)),
        ("FLATTEN", Flatten()),
        ("DROPOUT 0.25", Dropout(0.25)),
        ("DROPOUT .5", Dropout(0.5)),
        ("DROPOUT 0", Dropout(0)),
        *((f"FC 3 {name}", Dense(3, name)) for name in ACTIVATIONS),
    ],
)
def test_layers(text: str, layer: object) -> None:
    assert parse(f"INPUT 1x9x9 -> {text} -> FC 2").layers == [layer, Dense(2)]


@pytest.mark.parametrize(
    "text",
    [
        "input 1x8x8 -> (conv 4@3x3 ReLU -> Pool MAX 2x2) * 2 -> fc 10 SOFTMAX",
        "INPUT 1x8x8 → (CONV 4@3x3 relu → POOL max 2x2) × 2 → FC 10 softmax",
        "INPUT 1x8x8->(CONV 4@3x3 relu->POOL max 2x2)*2->FC 10 softmax",
        "  INPUT\t1x8x8\n  -> (  CONV 4@3x3 relu\n  -> POOL max 2x2  )  *  2\n  -> FC 10 softmax\n",
    ],
)
def test_case_signs_and_spaces_do_not_matter(text: str) -> None:
    assert str(parse(text)) == "INPUT 1x8x8 -> (CONV 4@3x3 relu -> POOL max 2x2) * 2 -> FC 10 softmax"


def test_groups_in_a_row_are_not_groups_within_groups() -> None:
    assert len(parse("INPUT 4" + " -> (FC 2 relu)" * 20).layers) == 20


# The sign ▸ stands before the character that the error is to point at.
@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("▸", "expected INPUT"),
        ("▸FC 10", "expected INPUT"),
        ("INPUT ▸", "expected a shape like 1x28x28 or 784, got the end"),
        ("INPUT ▸28x28 -> FC 10", "expected a shape like 1x28x28 or 784, got “28x28”"),
        ("INPUT ▸1x0x28 -> FC 10", "expected a shape"),
        ("INPUT 784▸", "expected “->” and a layer"),
        ("INPUT 784 ▸FC 10", "expected “->”, got “FC”"),
        ("INPUT 784 -> ▸", "expected a layer"),
        ("INPUT 784 -> ▸CNOV 4@3x3", "did you mean CONV?"),
        ("INPUT 784 -> FC ▸ten", "expected the number of units"),
        ("INPUT 784 -> FC ▸0", "expected the number of units"),
        ("INPUT 784 -> FC ▸-3", "expected the number of units"),
        ("INPUT 784 -> FC 10 ▸sofmax", "did you mean softmax?"),
        ("INPUT 784 -> FC 10 relu ▸softmax", "expected “->”"),
        ("INPUT 784 -> (FC 10▸", "expected “->” or “)”, got the end"),
        ("INPUT 784 -> FC 10▸)", "expected “->”, got “)”"),
        ("INPUT 784 -> (▸) * 2", "expected a layer"),
        ("INPUT 784 -> FC 10 * ▸0", "expected how many times"),
        ("INPUT 784 -> FC 10 * ▸", "expected how many times, got the end"),
        ("INPUT 1x8x8 -> CONV ▸3x3", "expected filters@kernel, like 16@5x5"),
        ("INPUT 1x8x8 -> CONV ▸4@3", "expected filters@kernel, like 16@5x5"),
        ("INPUT 1x8x8 -> CONV ▸0@3x3", "expected a number from 1"),
        ("INPUT 1x8x8 -> CONV 4@3x3 stride ▸0", "expected a stride, like 2"),
        ("INPUT 1x8x8 -> CONV 4@3x3 ▸smae relu", "“stride”, “same”, “valid”, an activation"),
        ("INPUT 1x8x8 -> POOL ▸2x2", "expected max or avg"),
        ("INPUT 1x8x8 -> POOL max ▸2", "expected a window like 2x2"),
        ("INPUT 784 -> DROPOUT ▸1", "expected a rate of at least 0 and below 1"),
        ("INPUT 784 -> DROPOUT ▸-0.5", "expected a rate"),
        ("INPUT 784 -> DROPOUT ▸nan", "expected a rate"),
        ("INPUT 784 -> FC ▸1000001", "expected a number from 1 to 1,000,000"),
    ],
)
def test_errors_point_at_the_character_and_say_what_was_expected(marked: str, expected: str) -> None:
    at = marked.index("▸")
    with pytest.raises(ArchitectureError) as raised:
        parse(marked.replace("▸", ""))
    message = str(raised.value)
    assert f"character {at + 1} " in message
    assert expected in message
    tail = marked[at : at + 13].strip()
    assert tail in message, "the place is shown"


@pytest.mark.parametrize(
    "text",
    [
        " " * 10_000,
        "a" * 10_000,
        "INPUT 4 -> FC 2" + " " * 10_000 + "!",
        "INPUT 4 -> FC 2" + "-" * 10_000,
        "INPUT 4 -> FC " + "9" * 10_000,
        "INPUT " + "x".join(["9"] * 5_000),
        "INPUT 4 -> CONV " + "9" * 4_000 + "@" + "9" * 4_000 + "x1",
        "INPUT 4 -> DROPOUT 0." + "9" * 10_000,
        "INPUT 4 -> " + "(" * 10_000,
        "INPUT 4 -> " + "(" * 9 + "FC 2" + ")" * 9,
        "INPUT 4 -> " + "((((FC 2 * 1000) * 1000) * 1000) * 1000)",
        "INPUT 4 -> FC 2 * 1001",
        "INPUT 4 -> FC 2 * 999999999",
        "INPUT 4" + " -> FC 2" * 1_250,
        "INPUT 4" + " ->" * 5_000,
        "*" * 10_000,
        "INPUT 4 -> FC 2 " + "\x00" * 100,
    ],
)
@pytest.mark.timeout(10)
def test_hostile_text_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(ArchitectureError) as raised:
        parse(text)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.timeout(10)
def test_a_long_tail_of_spaces_takes_no_time() -> None:
    assert str(parse("INPUT 4 -> FC 2" + " " * 20_000)) == "INPUT 4 -> FC 2"


pieces = st.sampled_from(
    [*LAYERS, *"->→()*×20", "->", "INPUT", "784", "1x8x8", "16@5x5", "2x2", "max", "relu", "stride", "same"]
)


@given(st.lists(pieces, max_size=20).map(" ".join) | st.text(max_size=60))
@example("INPUT ٣ -> FC ²")
def test_any_text_parses_or_is_an_architecture_error(text: str) -> None:
    try:
        architecture = parse(text)
    except ArchitectureError as error:
        message = str(error)
    else:
        assert parse(str(architecture)) == architecture
        return
    assert message.startswith(("architecture, character ", "architecture: "))
    assert len(message.splitlines()) == 1
