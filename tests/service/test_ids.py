"""X-Request-ID and traceparent: taken over when well formed."""

import pytest

from service.ids import request_id, trace_id

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize("given", ["a", "f9ed4675f1c53513c61a3b3b4e25b4c0", "Root=1-67891233-abcdef", "x" * 128])
def test_well_formed_ids_are_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "a b", 'a"b', "a\nb", "x" * 129, "é"])
def test_others_are_replaced_by_new_ones(given: str | None) -> None:
    assert len({request_id(given) for _ in range(1000)} - {given}) == 1000


def test_trace_id() -> None:
    assert trace_id(f"00-{TRACE}-{SPAN}-01") == TRACE
    assert trace_id(f"01-{TRACE}-{SPAN}-01-more") == TRACE


@pytest.mark.parametrize(
    "given",
    [None, "", "x", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}", f" 00-{TRACE}-{SPAN}-01"],
)  # fmt: skip
def test_traceparent_that_is_none(given: str | None) -> None:
    assert trace_id(given) is None
