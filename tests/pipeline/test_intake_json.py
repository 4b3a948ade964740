"""JSON within bounds: depth counted without decoding, and the same values as any decoder gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.errors import Invalid, TooLarge
from geoworks.pipeline.json_body import decode_json, depth
from tests.pipeline.intake_bodies import JSON


def nesting(value: object) -> int:
    """Count the nesting of a decoded value the slow way."""
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(nesting, value), default=0)
    return 0


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_depth_is_the_nesting_of_the_value(value: object, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001 - Hypothesis passes it by place
    """However it is written, the counted depth is that of the decoded value."""
    assert depth(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == nesting(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"[[["', 0),
        (rb'["\"[[["]', 1),
        (rb'["\\", ["x"]]', 2),
        (rb'{"[": "{", "a": [1]}', 2),
        (rb'"\\\"[', 0),
        (b'"line\n[[["', 0),
        (b"]]]][[", 0),
        (b"[]" * 1000, 1),
        (b"[" * 1000, 1000),
    ],
)
def test_brackets_in_texts_do_not_count(text: bytes, expected: int) -> None:
    """Quotes, escaped quotes and escaped backslashes are seen through, also in what is no JSON."""
    assert depth(text) == expected


@given(JSON)
def test_values_are_those_of_the_standard_library(value: object) -> None:
    """What is taken is what Python's own decoder reads."""
    assert decode_json(json.dumps(value).encode(), max_bytes=100_000, max_depth=64) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    """No byte string raises anything but `Invalid`, and what is taken the standard library takes too."""
    try:
        value = decode_json(body, max_bytes=50, max_depth=4)
    except Invalid as refusal:
        assert str(refusal).startswith("body: ")  # noqa: PT017 - taking it is as good as refusing it
    else:
        assert json.loads(body) == value


def test_bounds_are_inclusive() -> None:
    """Exactly as many bytes and levels as the bounds say are taken, one more is not."""
    assert decode_json(b"[[1]]", max_bytes=5, max_depth=2) == [[1]]
    with pytest.raises(TooLarge, match="6 bytes"):
        decode_json(b"[[1]] ", max_bytes=5, max_depth=2)
    with pytest.raises(TooLarge, match="at most 1"):
        decode_json(b"[[1]]", max_bytes=5, max_depth=1)


def test_a_text_that_never_ends_is_read_once() -> None:
    """Escapes and quotes without end cost no more than their length; the answer is a plain refusal."""
    for body in (b'"' + b"\\" * 500_000, b'"' + b'\\"' * 250_000, b'"' * 500_001):
        with pytest.raises(Invalid):
            decode_json(body, max_bytes=10**6, max_depth=4)
