"""The form's parts: the short way to read their headers finds what werkzeug's parser finds."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from service.multipart import USUAL, disposition

VALUES = st.text("ab. -_\"\\;=\r\n%1ü'*", max_size=8)


@given(VALUES, st.none() | VALUES, st.sampled_from(["", "\r\nContent-Type: image/png", "\r\n", ";", "\n"]))
@settings(max_examples=1000)
@example("image", "a.png", "\r\nContent-Type: image/png")
@example("image", None, "")
def test_both_ways_agree(name: str, filename: str | None, rest: str) -> None:
    value = f' form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    expected = parse_options_header((value + rest).partition("\r\n")[0])[1]
    assert disposition(f"\r\nContent-Disposition:{value}{rest}".encode()) == expected


def test_what_clients_write_goes_the_short_way() -> None:
    for head in (b'name="image"; filename="a 1.png"\r\nContent-Type: image/png', b'name="image"'):
        assert USUAL.match(b"\r\nContent-Disposition: form-data; " + head)
