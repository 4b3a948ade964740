"""What a receiver asks for by `Retry-After` is heeded, within bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from geoworks.config.settings import WebhooksTable
from geoworks.webhooks.courier import wait_s
from geoworks.webhooks.retry_after import asked_wait_s
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sender import QUICK, look, post_works, register, sending

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SETTINGS = WebhooksTable(first_retry_s=5.0, longest_retry_s=3_600.0)
# An hour at least, of attempts that come within 50 ms when nothing else is asked for.
PATIENT = structs.replace(QUICK, longest_retry_s=3_600.0)


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("Tue, 24 Nov 2026 08:02:00 GMT", 120.0),
        ("Tuesday, 24-Nov-26 08:02:00 GMT", 120.0),
        ("Tue Nov 24 08:02:00 2026", 120.0),
        ("Tue, 24 Nov 2026 10:02:00 +0200", 120.0),
        ("Tue, 24 Nov 2026 07:00:00 GMT", 0.0),
    ],
)
def test_seconds_and_dates_are_read(text: str, expected_s: float) -> None:
    """Seconds, and dates in each of the three forms; one that is past asks for nothing."""
    assert asked_wait_s(text, now=NOW) == expected_s


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "1e3", "0x10", "٣", "Tue, 99 Nov 2026 08:02:00 GMT", "NaN"])
def test_what_says_nothing_asks_for_nothing(text: str) -> None:
    """A value of neither form is as good as none."""
    assert asked_wait_s(text, now=NOW) == 0.0


def test_a_number_without_end_is_taken_as_the_longest() -> None:
    """As many digits as fit a header are no error, and the wait is the longest of the settings."""
    assert wait_s(1, SETTINGS, asked_s=asked_wait_s("9" * 8_000, now=NOW)) == 3_600.0


@given(st.text(max_size=60) | st.datetimes(timezones=st.just(UTC)).map(lambda at: format_datetime(at, usegmt=True)))
def test_no_value_is_an_error(text: str) -> None:
    """Whatever a receiver sends is a wait of no less than nothing."""
    assert asked_wait_s(text, now=NOW) >= 0.0


@given(st.integers(1, 10_000), st.floats(0.0, allow_nan=False))
def test_the_wait_is_bounded_and_heeds_what_was_asked(failures: int, asked_s: float) -> None:
    """It is as long as asked, or the longest; and never shorter than the least of our own."""
    wait = wait_s(failures, SETTINGS, asked_s=asked_s)
    assert min(asked_s, 3_600.0) <= wait <= 3_600.0
    assert wait >= min(5.0 * 2.0 ** min(failures - 1, 20), 3_600.0) / 2


@given(st.floats(1.0, 3_000.0))
def test_those_who_were_told_the_same_do_not_come_back_at_once(asked_s: float) -> None:
    """By chance each is a little later than asked, by no more than the first wait."""
    waits = {wait_s(1, SETTINGS, asked_s=asked_s) for _ in range(10)}
    assert len(waits) > 1
    assert max(waits) <= asked_s + 5.0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_receiver_that_asks_to_wait_is_let_alone(
    tmp_path: Path, receiver: Receiver, status: int, form: str
) -> None:
    """It gets nothing while others are tried again and again, and its webhook says why."""
    async with sending(tmp_path, PATIENT) as house, receiving() as other:
        staff = await house.as_role()
        # By the clock receivers read, not by that of the town, which stands still here.
        later = datetime.now(UTC) + timedelta(hours=1)
        receiver.retry_after = "3600" if form == "seconds" else format_datetime(later, usegmt=True)
        receiver.answers.append(status)
        hook = await register(house, receiver.url, staff)
        await receiver.until(lambda: len(receiver.posts) == 1)
        other.answers.extend([status] * 8)
        await register(house, other.url, staff)
        ids = await post_works(house, staff, "while one waits")
        await other.until(lambda: set(ids) <= set(other.titles()))
        shown = await look(house, hook["id"], staff)
    assert len(receiver.posts) == 1
    assert shown["state"] == "failing"
    assert f"it answered {status} and asks to wait; the next attempt comes 3" in str(shown["last_error"])


@pytest.mark.parametrize("status", [500, 404, 307])
async def test_other_failures_do_not_make_it_wait(tmp_path: Path, receiver: Receiver, status: int) -> None:
    """`Retry-After` beside another status is not for us: a redirect is not followed, and 500 promises nothing."""
    receiver.retry_after = "3600"
    receiver.answers.extend([status, status])
    async with sending(tmp_path, PATIENT) as house:
        await register(house, receiver.url, await house.as_role())
        await receiver.until(lambda: receiver.held.cursor is not None)
    assert len(receiver.posts) == 3


async def test_the_longest_wait_bounds_what_is_asked(tmp_path: Path, receiver: Receiver) -> None:
    """A receiver that asks for a thousand years gets its delivery after the longest wait of the settings."""
    receiver.retry_after = "31557600000"
    receiver.answers.extend([503, 429])
    async with sending(tmp_path, QUICK) as house:
        await register(house, receiver.url, await house.as_role())
        await receiver.until(lambda: receiver.held.cursor is not None)
    assert len({post.id for post in receiver.posts}) == 1
    assert len(receiver.posts) == 3
