"""JSON from outside, decoded within bounds."""

from __future__ import annotations

import re

import msgspec
import numpy as np

from geoworks.errors import Invalid, Problem, TooLarge

_BOM = b"\xef\xbb\xbf"
_WHERE = "body"
# Possessive, so that no text however odd makes the search go back; a string without end runs to the end of the body.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_OPENING = np.frombuffer(b"[{", dtype=np.uint8)


def decode_json(body: bytes, *, max_bytes: int, max_depth: int) -> object:
    """Return the value of a JSON text (RFC 8259): objects as dict, arrays as list; of equal names the last counts.

    The depth is counted before decoding, so no nesting however deep costs more than reading it. NaN and Infinity are
    no JSON. A byte order mark is passed over.

    Raises:
        TooLarge: it has more bytes or a deeper nesting than the bounds.
        Invalid: it is no JSON; the problem tells at which byte.

    """
    if len(body) > max_bytes:
        raise TooLarge(Problem(_WHERE, f"{len(body)} bytes", f"send at most {max_bytes}"))
    text = body.removeprefix(_BOM)
    if not text.strip():
        raise Invalid(Problem(_WHERE, "empty", "send a JSON value"))
    if depth(text) > max_depth:
        raise TooLarge(Problem(_WHERE, "nested too deep", f"nest at most {max_depth} arrays and objects"))
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise Invalid(Problem(_WHERE, f"no UTF-8 at byte {error.start}", "encode the text as UTF-8")) from error
    except msgspec.DecodeError as error:
        raise Invalid(Problem(_WHERE, str(error), "send well-formed JSON (no NaN, no Infinity)")) from error


def depth(text: bytes) -> int:
    """Return the deepest nesting of a JSON text; of what is no JSON, at least how deep a decoder would follow it.

    >>> depth(b'{"a": ["[[[", []]}')
    3
    """
    brackets = np.frombuffer(_STRING.sub(b"", text).translate(None, _OTHERS), dtype=np.uint8)
    steps = np.where(np.isin(brackets, _OPENING), 1, -1)
    return int(np.cumsum(steps).max(initial=0))
