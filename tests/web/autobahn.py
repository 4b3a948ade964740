"""The cases 1 to 7 and 10 of the Autobahn test-suite for servers, by their numbers there, as bytes to send.

The suite itself (crossbario/autobahn-testsuite) runs on Python 2 alone. Left out are 8 and 9, which measure, and 12
and 13, which compress: that is not agreed to here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from geoworks.hub.codes import Code
from tests.web.octets import BINARY, CLOSE, MORE, PING, PONG, TEXT, close, octets

# The connection goes on; else the code it ends with.
OPEN = 0
_OK, _FAIL, _NOT_TEXT = 1000, 1002, 1007


class Case(NamedTuple):
    """What is sent, write by write, and what the suite expects."""

    number: str
    writes: Sequence[bytes]
    ends: int


def cases() -> Iterator[Case]:
    """Yield every case."""
    yield from _framing()
    yield from _pings()
    yield from _reserved()
    yield from _fragments()
    yield from _texts()
    yield from _sequences()
    yield from _closes()
    yield Case("10.1.1", _whole(*_fragmented(b"*" * 65536, 1300)), OPEN)


def _whole(*frames: bytes) -> Sequence[bytes]:
    return [b"".join(frames)]


def _chopped(*frames: bytes, size: int = 1) -> Sequence[bytes]:
    data = b"".join(frames)
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def _fragmented(text: bytes, size: int) -> Sequence[bytes]:
    parts = [text[begin : begin + size] for begin in range(0, len(text), size)]
    last = len(parts) - 1
    return [octets(MORE if place else TEXT, part, fin=place == last) for place, part in enumerate(parts)]


def _framing() -> Iterator[Case]:
    sizes = (0, 125, 126, 127, 128, 65535, 65536)
    for kind, (opcode, fill) in enumerate(((TEXT, b"*"), (BINARY, b"\xfe")), 1):
        for place, size in enumerate(sizes, 1):
            yield Case(f"1.{kind}.{place}", _whole(octets(opcode, fill * size)), OPEN)
        yield Case(f"1.{kind}.8", _chopped(octets(opcode, fill * 65536), size=997), OPEN)


def _pings() -> Iterator[Case]:
    full, pong = octets(PING, b"\xfe" * 125), octets(PONG, b"unsolicited pong payload")
    ten = [octets(PING, b"payload-%d" % number) for number in range(10)]
    yield Case("2.1", _whole(octets(PING)), OPEN)
    yield Case("2.2", _whole(octets(PING, b"Hello, world!")), OPEN)
    yield Case("2.3", _whole(octets(PING, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")), OPEN)
    yield Case("2.4", _whole(full), OPEN)
    yield Case("2.5", _whole(octets(PING, b"\xfe" * 126)), _FAIL)
    yield Case("2.6", _chopped(full), OPEN)
    yield Case("2.7", _whole(octets(PONG)), OPEN)
    yield Case("2.8", _whole(pong), OPEN)
    yield Case("2.9", _whole(pong, octets(PING, b"ping payload")), OPEN)
    yield Case("2.10", _whole(*ten), OPEN)
    yield Case("2.11", _chopped(*ten), OPEN)


def _reserved() -> Iterator[Case]:
    hello = b"Hello, world!"
    text, ping = octets(TEXT, hello), octets(PING)
    yield Case("3.1", _whole(octets(TEXT, hello, rsv=1)), _FAIL)
    yield Case("3.2", _whole(text, octets(TEXT, hello, rsv=2), ping), _FAIL)
    yield Case("3.3", [text, octets(TEXT, hello, rsv=3), ping], _FAIL)
    yield Case("3.4", _chopped(text, octets(TEXT, hello, rsv=4), ping), _FAIL)
    yield Case("3.5", _whole(octets(BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", rsv=5)), _FAIL)
    yield Case("3.6", _whole(octets(BINARY, hello, rsv=6)), _FAIL)
    yield Case("3.7", _whole(octets(CLOSE, rsv=7)), _FAIL)
    for kind, first in ((1, 3), (2, 11)):
        yield Case(f"4.{kind}.1", _whole(octets(first)), _FAIL)
        yield Case(f"4.{kind}.2", _whole(octets(first + 1, b"reserved opcode payload")), _FAIL)
        yield Case(f"4.{kind}.3", _whole(text, octets(first + 2), ping), _FAIL)
        yield Case(f"4.{kind}.4", _whole(text, octets(first + 3, hello), ping), _FAIL)
        yield Case(f"4.{kind}.5", _chopped(text, octets(first + 4, hello), ping), _FAIL)


def _fragments() -> Iterator[Case]:
    first, last = octets(TEXT, b"fragment1", fin=False), octets(MORE, b"fragment2")
    ping, hello = octets(PING, b"ping payload"), octets(TEXT, b"Hello, world!")
    yield Case("5.1", _whole(octets(PING, b"fragment1", fin=False), last), _FAIL)
    yield Case("5.2", _whole(octets(PONG, b"fragment1", fin=False), last), _FAIL)
    yield from _ways(3, [first, last], OPEN)
    yield from _ways(6, [first, ping, last], OPEN)
    yield from _ways(9, [octets(MORE, b"non-continuation payload"), hello], _FAIL)
    yield from _ways(12, [octets(MORE, b"non-continuation payload", fin=False), hello], _FAIL)
    third = octets(MORE, b"fragment3", fin=False)
    yield Case("5.15", _whole(first, last, third, octets(TEXT, b"fragment4")), _FAIL)
    again = [octets(TEXT, b"fragment2", fin=False), octets(MORE, b"fragment3")]
    yield Case("5.16", _whole(*[octets(MORE, b"fragment1", fin=False), *again] * 2), _FAIL)
    yield Case("5.17", _whole(*[octets(MORE, b"fragment1"), *again] * 2), _FAIL)
    yield Case("5.18", _whole(first, octets(TEXT, b"fragment2")), _FAIL)
    halves = [
        [first, octets(MORE, b"fragment2", fin=False), octets(PING, b"pongme 1!")],
        [third, octets(MORE, b"fragment4", fin=False), octets(PING, b"pongme 2!"), octets(MORE, b"fragment5")],
    ]
    yield Case("5.19", [b"".join(half) for half in halves], OPEN)
    yield Case("5.20", [*halves[0], *halves[1]], OPEN)


def _ways(number: int, frames: Sequence[bytes], ends: int) -> Iterator[Case]:
    """Yield three cases: all at once, frame by frame, octet by octet."""
    for place, writes in enumerate((_whole(*frames), frames, _chopped(*frames)), number):
        yield Case(f"5.{place}", writes, ends)


_GREEK = bytes.fromhex("cebae1bdb9cf83cebcceb5")
_UMLAUTS = "Hello-µ@ßöäüàá-UTF-8!!".encode()


def _texts() -> Iterator[Case]:
    empty = octets(TEXT, fin=False)
    surrogate = _GREEK + b"\xed\xa0\x80edited"
    beyond = _GREEK + b"\xf4\x90\x80\x80edited"
    yield Case("6.1.1", _whole(octets(TEXT)), OPEN)
    yield Case("6.1.2", _whole(empty, octets(MORE, fin=False), octets(MORE)), OPEN)
    yield Case("6.1.3", _whole(empty, octets(MORE, b"middle frame payload", fin=False), octets(MORE)), OPEN)
    yield Case("6.2.1", _whole(octets(TEXT, _UMLAUTS)), OPEN)
    yield Case("6.2.2", _whole(octets(TEXT, _UMLAUTS[:12], fin=False), octets(MORE, _UMLAUTS[12:])), OPEN)
    yield Case("6.2.3", _whole(*_fragmented(_UMLAUTS, 1)), OPEN)
    yield Case("6.2.4", _whole(*_fragmented(_GREEK, 1)), OPEN)
    yield Case("6.3.1", _whole(octets(TEXT, surrogate)), _NOT_TEXT)
    yield Case("6.3.2", _whole(*_fragmented(surrogate, 1)), _NOT_TEXT)
    for number, (end, begin) in ((1, (11, 15)), (2, (12, 13))):
        parts = beyond[:end], beyond[end:begin], beyond[begin:]
        first, second = octets(TEXT, parts[0], fin=False), octets(MORE, parts[1], fin=False)
        yield Case(f"6.4.{number}", [first, second, octets(MORE, parts[2])], _NOT_TEXT)
        data = octets(TEXT, beyond)
        head = len(data) - len(beyond)
        yield Case(
            f"6.4.{number + 2}", [data[: head + end], data[head + end : head + begin], data[head + begin :]], 1007
        )


def _starts(first: int, last: int) -> str:
    return bytes(chain.from_iterable((byte, 0x20) for byte in range(first, last))).hex()


_CUT_OFF = "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf"
# From 6.5 on: sequences of octets, and whether they are text.
_SEQUENCES: Sequence[tuple[bool, str]] = (
    (True, "68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 68656c6c6fe282ac776f726c64 68656c6c6ff0a4ada2776f726c64 "
    + _GREEK.hex()),
    (True, " ".join(_GREEK[:end].hex() for end in range(1, len(_GREEK) + 1))),
    (True, "00 c280 e0a080 f0908080"),
    (False, "f888808080 fc8480808080"),
    (True, "7f dfbf efbfbf f48fbfbf"),
    (False, "f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf"),
    (True, "ed9fbf ee8080 efbfbd f48fbfbf f4908080"),
    (False, "80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf " + bytes(range(0x80, 0xBF)).hex()),
    (False, " ".join(_starts(*of) for of in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)))),
    (False, _CUT_OFF),
    (False, _CUT_OFF.replace(" ", "")),
    (False, "fe ff fefeffff"),
    (False, "c0af e080af f08080af f8808080af fc80808080af"),
    (False, "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf"),
    (False, "c080 e08080 f0808080 f880808080 fc8080808080"),
    (False, "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf"),
    (False, "eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf"),
    (True, " ".join(chr(plane * 0x10000 + end).encode().hex() for plane in range(17) for end in (0xFFFE, 0xFFFF))),
    (True, "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf"),
)  # fmt: skip
# Among those that are text: prefixes that end within a character, and one code point beyond the last.
_NO_TEXT = {"6.6.1", "6.6.3", "6.6.4", "6.6.6", "6.6.8", "6.6.10", "6.11.5"}


def _sequences() -> Iterator[Case]:
    for group, (is_text, sequences) in enumerate(_SEQUENCES, 5):
        for place, sequence in enumerate(sequences.split(), 1):
            number = f"6.{group}.{place}"
            ends = OPEN if is_text and number not in _NO_TEXT else _NOT_TEXT
            yield Case(number, _whole(octets(TEXT, bytes.fromhex(sequence))), ends)


def _closes() -> Iterator[Case]:
    end, hello = close(_OK), octets(TEXT, b"Hello World!")
    yield Case("7.1.1", _whole(hello, end), _OK)
    yield Case("7.1.2", _whole(end, octets(CLOSE)), _OK)
    yield Case("7.1.3", _whole(end, octets(PING)), _OK)
    yield Case("7.1.4", _whole(end, hello), _OK)
    yield Case("7.1.5", _whole(octets(TEXT, b"fragment1", fin=False), end, octets(MORE, b"fragment2")), _OK)
    yield Case("7.1.6", _whole(octets(TEXT, b"BAsd7&jh23" * 26215), hello, end, octets(PING)), _OK)
    yield Case("7.3.1", _whole(octets(CLOSE)), _OK)
    yield Case("7.3.2", _whole(octets(CLOSE, b"a")), _FAIL)
    yield Case("7.3.3", _whole(end), _OK)
    yield Case("7.3.4", _whole(close(_OK, b"Hello World!")), _OK)
    yield Case("7.3.5", _whole(close(_OK, b"*" * 123)), _OK)
    yield Case("7.3.6", _whole(close(_OK, b"*" * 124)), _FAIL)
    yield Case("7.5.1", _whole(close(_OK, _GREEK + b"\xed\xa0\x80edited")), _NOT_TEXT)
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    invalid = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
    for family, codes, ends in ((7, valid, _OK), (9, invalid, _FAIL)):
        yield from (Case(f"7.{family}.{place}", _whole(close(code)), ends) for place, code in enumerate(codes, 1))
    # The suite says nothing of these two.
    yield Case("7.13.1", _whole(close(5000)), _OK)
    yield Case("7.13.2", _whole(close(65535)), _OK)


# Where plain aiohttp ends otherwise than the suite expects: it takes 1006 for a code that may be sent.
PLAIN = {"7.9.5": 1000}
# Where the protocol of the stream says more than RFC 6455: no binary frames, and none larger than its limit.
OURS = {
    **{f"1.2.{place}": Code.BINARY.number for place in range(1, 9)},
    **dict.fromkeys(("1.1.6", "1.1.7", "1.1.8", "1.2.7", "1.2.8", "7.1.6", "10.1.1"), Code.FRAME_TOO_LARGE.number),
}
