"""Texts from outside: readable, and without anything that is not seen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.errors import Invalid
from geoworks.model.text import clean_text


@pytest.mark.parametrize(
    "text",
    [
        "Réfection de la chaussée, rue de l’Église: 2ᵉ phase",
        "Cœur d'Essonne",
        "🚧 travaux 👩‍🔧 🇫🇷",
        "<b>gras</b> {{ 7*7 }} ${x} <script>alert(1)</script>",
        "עבודות כביש",
        "أشغال الطرق",
        "ligne 1\nligne 2\n\nligne 4",
        "a < b && c > d",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    """Accents, emoji, other scripts, HTML and templates are text and stay as they are."""
    assert clean_text(text, max_length=200) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rue\x00 de\x07 Paris\x1b[31m", "rue de Paris[31m"),
        ("gpj.\u202egpj.exe\u202c", "gpj.gpj.exe"),
        ("\u2067a\u2069 \u200eb\u200f \u061cc", "a b c"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041ged", "tagged"),
        ("  a \t b\u00a0c  ", "a b c"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a \n b", "a\nb"),
        ("e\u0301tage", "étage"),
        ("\ufffe\uffffx\ufdd0", "x"),
        ("lone\ud800", "lone"),
        ("\u202e\u200b \n", ""),
    ],
)
def test_what_is_not_seen_goes(text: str, expected: str) -> None:
    """Controls, direction marks, invisible characters and superfluous blanks are dropped."""
    assert clean_text(text, max_length=200) == expected


def test_a_title_has_one_line() -> None:
    """With `one_line` line ends become blanks."""
    assert clean_text("a\n\nb \r\n c", max_length=20, one_line=True) == "a b c"


def test_what_is_too_long_is_refused_with_its_length() -> None:
    """The bound counts what is left, and the message tells both numbers and the path."""
    assert clean_text("x" * 20 + "\x00" * 50, max_length=20) == "x" * 20
    with pytest.raises(Invalid, match=r"^title: 21 characters \(shorten it to at most 20\)$"):
        clean_text("x" * 21, max_length=20, where="title")


@given(text=st.text(), one_line=st.booleans())
def test_cleaning_twice_is_cleaning_once_and_nothing_unseen_is_left(text: str, *, one_line: bool) -> None:
    """The result is stable, can be encoded, and holds no control or direction mark."""
    cleaned = clean_text(text, max_length=10_000, one_line=one_line)
    assert clean_text(cleaned, max_length=10_000, one_line=one_line) == cleaned
    assert cleaned.encode().decode() == cleaned
    categories = {unicodedata.category(character) for character in cleaned if character not in "\n\u200c\u200d"}
    assert not categories & {"Cc", "Cf", "Cs"}
    assert not (one_line and "\n" in cleaned)


@given(st.text(max_size=30).filter(str.isprintable))
def test_a_plain_line_is_cleaned_as_any_other_text(text: str) -> None:
    """A character that is dropped changes nothing about the rest."""
    assert clean_text(text, max_length=200) == clean_text(f"\x00{text}", max_length=200)
