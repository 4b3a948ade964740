"""Texts that people wrote, made harmless for pages, logs, feeds and terminals without losing what they say."""

from __future__ import annotations

import re
import unicodedata

from geoworks.errors import Invalid, Problem

# They join the parts of an emoji, and letters of some scripts: the only invisible characters that carry meaning.
_JOINERS = {"\u200c", "\u200d"}
# Controls, invisible format characters (all marks that turn the direction of a text among them), halves of pairs.
_UNSEEN = {"Cc", "Cf", "Cs"}
# Characters that Unicode keeps for programs and XML forbids.
_NONCHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_BLANKS = re.compile(r"[^\S\n]+")
_ROOM = re.compile(r" ?\n ?")
_MANY_LINES = re.compile(r"\n{3,}")


def clean_text(text: str, *, max_length: int, one_line: bool = False, where: str = "") -> str:
    r"""Return a text with normal letters, accents and emoji, and nothing that is not seen.

    Control characters, marks that turn the direction of writing and other invisible characters are dropped, so a text
    can neither hide a part of itself nor turn what stands beside it. Letters are composed (NFC), blanks joined, line
    ends made `\n` (a blank with `one_line`), at most one empty line kept. What looks like HTML stays as it is: it is
    text, and pages show it as text. `where` is the path of the text, for messages.

    >>> clean_text("Rue  de\u202e Montlhéry\x00", max_length=200)
    'Rue de Montlhéry'

    Raises:
        Invalid: what is left has more than `max_length` characters.

    """
    # Nearly every text of a source is one line of letters: nothing to drop, and no blank but the plain one.
    cleaned = _clean_line(text) if text.isprintable() else _clean_any(text, one_line=one_line)
    if len(cleaned) > max_length:
        raise Invalid(Problem(where, f"{len(cleaned)} characters", f"shorten it to at most {max_length}"))
    return cleaned


def _clean_line(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return (_BLANKS.sub(" ", composed) if "  " in composed else composed).strip()


def _clean_any(text: str, *, one_line: bool) -> str:
    seen = "".join(filter(_seen, _LINE_ENDS.sub("\n", _NONCHARACTERS.sub("", text))))
    joined = _BLANKS.sub(" ", unicodedata.normalize("NFC", seen))
    lines = _ROOM.sub(" " if one_line else "\n", joined)
    return _BLANKS.sub(" ", _MANY_LINES.sub("\n\n", lines)).strip()


def _seen(character: str) -> bool:
    return character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _UNSEEN
