"""What receivers get: everything, in order, signed, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec import structs

from geoworks.config.settings import Stream
from geoworks.pipeline.keys import Role
from tests.web.house import House
from tests.web.writing import until
from tests.webhooks.receiver import WAIT_S, Receiver, receiving
from tests.webhooks.sender import QUICK, look, post_works, register, sending


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Serve a town that sends."""
    async with sending(tmp_path) as house:
        yield house


@pytest.fixture
async def staff(house: House) -> dict[str, str]:
    """Return the header of a staff key."""
    return await house.as_role(Role.STAFF)


async def until_state(house: House, id_: str, headers: dict[str, str], state: str) -> dict[str, object]:
    """Wait until a webhook is in a state; return it."""
    async with asyncio.timeout(WAIT_S):
        while (shown := await look(house, id_, headers))["state"] != state:  # noqa: ASYNC110 - a reader has to ask
            await asyncio.sleep(0.01)
    return shown


async def test_a_receiver_gets_all_there_is_then_every_change(
    house: House, staff: dict[str, str], receiver: Receiver
) -> None:
    """First a resync with snapshots, then puts and removes in the order of the log, each delivery signed."""
    (first,) = await post_works(house, staff, "before")
    hook = await register(house, receiver.url, staff)
    await receiver.until(lambda: receiver.titles() == {first: "before"})
    assert [change["type"] for change in receiver.taken][:2] == ["resync", "snapshot"]
    (second,) = await post_works(house, staff, "after")
    await receiver.until(lambda: second in receiver.titles())
    answer = await house.ask("DELETE", f"/v1/works/{first}", headers=staff)
    assert answer.status in {200, 204}, answer.body
    await receiver.until(lambda: receiver.titles() == {second: "after"})
    assert receiver.offsets == sorted(set(receiver.offsets))
    assert all(post.is_signed_with(hook["secret"]) for post in receiver.posts)
    assert {post.json()["webhook"] for post in receiver.posts} == {hook["id"]}
    shown = await look(house, hook["id"], staff)
    assert shown["state"] == "working"
    assert shown["cursor"] == receiver.held.cursor


async def test_a_receiver_that_has_something_gets_what_came_after(
    house: House, staff: dict[str, str], receiver: Receiver
) -> None:
    """With the cursor of a collection in `since` only later changes are sent, without a snapshot."""
    await post_works(house, staff, "before")
    cursor = (await house.ask("GET", "/v1/works")).headers["Geoworks-Cursor"]
    (later,) = await post_works(house, staff, "after")
    await register(house, receiver.url, staff, since=cursor)
    await receiver.until(lambda: later in receiver.titles())
    assert receiver.titles() == {later: "after"}
    assert {change["type"] for change in receiver.taken} == {"put"}


async def test_a_failing_receiver_gets_the_same_delivery_again_until_it_takes_it(
    house: House, staff: dict[str, str], receiver: Receiver
) -> None:
    """After answers of 500 the same body comes under the same id, then all that happened meanwhile, in order."""
    hook = await register(house, receiver.url, staff)
    await receiver.until(lambda: receiver.held.cursor is not None)
    receiver.posts.clear()
    receiver.answers.extend([500, 503, 500, 404])
    ids = await post_works(house, staff, *map(str, range(20)))
    await receiver.until(lambda: set(ids) <= set(receiver.titles()))
    tries = receiver.posts[:5]
    assert len({post.id for post in tries}) == 1
    assert len({post.body for post in tries}) == 1
    assert receiver.offsets == sorted(set(receiver.offsets))
    shown = await until_state(house, hook["id"], staff, "working")
    assert shown["failures"] == 0
    assert shown["last_error"] == "it answered 404"


async def test_a_delivery_holds_no_more_than_it_may(tmp_path: Path, receiver: Receiver) -> None:
    """What waits is cut into deliveries of a bounded number of messages and about a bounded size."""
    settings = structs.replace(QUICK, batch_changes=3, batch_bytes=4_000)
    async with sending(tmp_path, settings) as house:
        staff = await house.as_role()
        await register(house, receiver.url, staff)
        await receiver.until(lambda: receiver.held.cursor is not None)
        receiver.open.clear()
        ids = await post_works(house, staff, *map(str, range(30)))
        receiver.open.set()
        await receiver.until(lambda: set(ids) <= set(receiver.titles()))
    deliveries = [post.json()["changes"] for post in receiver.posts]
    assert max(map(len, deliveries)) <= 3
    assert max(len(post.body) for post in receiver.posts) < 8_000
    assert len(receiver.offsets) == len(set(receiver.offsets))


async def test_a_snapshot_in_many_deliveries_has_no_cursor_before_its_end(tmp_path: Path, receiver: Receiver) -> None:
    """A receiver cannot go on from the middle of a snapshot, so the cursor is null until it is whole."""
    settings = structs.replace(QUICK, batch_changes=1)
    async with sending(tmp_path, settings) as house:
        staff = await house.as_role()
        ids = await post_works(house, staff, *map(str, range(120)))
        await register(house, receiver.url, staff)
        await receiver.until(lambda: set(ids) <= set(receiver.titles()))
        assert [post.json()["cursor"] is None for post in receiver.posts[:2]] == [True, True]
        (later,) = await post_works(house, staff, "later")
        await receiver.until(lambda: later in receiver.titles() and receiver.held.cursor is not None)


async def test_a_snapshot_begun_again_is_dropped_nowhere(tmp_path: Path, receiver: Receiver) -> None:
    """Cut off in the middle of a snapshot a receiver gets it anew, under ids that it has not had: all of it counts."""
    settings = structs.replace(QUICK, batch_changes=1)
    stream = Stream(frame_bytes=20_000, high_water_bytes=20_000)
    async with sending(tmp_path, settings, stream=stream) as house:
        staff = await house.as_role()
        first, *others = await post_works(house, staff, *map(str, range(120)))
        receiver.answers.extend([204, 204, *[500] * 10_000])
        hook = await register(house, receiver.url, staff)
        await until_state(house, hook["id"], staff, "failing")
        assert first in receiver.titles()
        await house.ask("DELETE", f"/v1/works/{first}", headers=staff)
    receiver.answers.clear()
    async with sending(tmp_path, settings, stream=stream):
        await receiver.until(lambda: receiver.held.cursor is not None)
    assert sorted(receiver.titles()) == sorted(others)


async def test_a_restart_goes_on_where_the_receiver_was(tmp_path: Path, receiver: Receiver) -> None:
    """What was written while nothing was sent, or the receiver did not answer, comes after the restart, once."""
    async with sending(tmp_path) as house:
        staff = await house.as_role()
        hook = await register(house, receiver.url, staff)
        (first,) = await post_works(house, staff, "first")
        await receiver.until(lambda: first in receiver.titles())
        receiver.answers.extend([500] * 10_000)
        missed = await post_works(house, staff, *map(str, range(10)))
        await until_state(house, hook["id"], staff, "failing")
    receiver.answers.clear()
    async with sending(tmp_path) as house:
        (last,) = await post_works(house, staff, "last")
        await receiver.until(lambda: {first, *missed, last} <= set(receiver.titles()))
    assert [change["type"] for change in receiver.taken].count("resync") == 1
    assert receiver.offsets == sorted(set(receiver.offsets))
    assert all(post.is_signed_with(hook["secret"]) for post in receiver.posts)


async def test_a_delivery_that_was_taken_but_not_noted_comes_again_under_its_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Cut off before it heard the answer, the service sends the same delivery under the same id: it can be dropped."""
    async with sending(tmp_path) as house:
        staff = await house.as_role()
        await register(house, receiver.url, staff)
        await receiver.until(lambda: receiver.held.cursor is not None)
        receiver.open.clear()
        receiver.posts.clear()
        await post_works(house, staff, "once")
        await until(lambda: receiver.posts)
    receiver.open.set()
    async with sending(tmp_path):
        await receiver.until(lambda: len(receiver.posts) == 2)
    assert receiver.posts[0].id == receiver.posts[1].id
    assert receiver.offsets == sorted(set(receiver.offsets))


async def test_another_log_begins_anew(tmp_path: Path, receiver: Receiver) -> None:
    """When the log is another one than the receiver's, it is told to forget everything, and gets snapshots."""
    async with sending(tmp_path) as house:
        staff = await house.as_role()
        await register(house, receiver.url, staff, since="another.12")
        (id_,) = await post_works(house, staff, "here")
        await receiver.until(lambda: id_ in receiver.titles())
    assert receiver.taken[0] == {"type": "resync", "id": None, "reason": "epoch"}


async def test_a_cursor_the_log_does_not_reach_back_to_begins_anew(tmp_path: Path, receiver: Receiver) -> None:
    """When the log was cut while the receiver was away, it gets a resync for `too-old`, and what is there now."""
    async with sending(tmp_path) as house:
        staff = await house.as_role()
        ids = await post_works(house, staff, *map(str, range(5)))
        epoch = house.town.hub.head.epoch
        now = house.town.clock.now()
        await house.town.store.prune(changes_before=now.replace(year=2030), now=now)
    async with sending(tmp_path) as house:
        await register(house, receiver.url, staff, since=f"{epoch}.1")
        await receiver.until(lambda: set(ids) <= set(receiver.titles()))
    assert receiver.taken[0] == {"type": "resync", "id": None, "reason": "too-old"}


async def test_one_that_does_not_answer_holds_up_nobody(
    house: House, staff: dict[str, str], receiver: Receiver
) -> None:
    """While a receiver lets its delivery wait, others get theirs and the doors answer."""
    async with receiving() as stuck:
        await register(house, stuck.url, staff)
        await register(house, receiver.url, staff)
        await receiver.until(lambda: receiver.held.cursor is not None)
        await stuck.until(lambda: stuck.held.cursor is not None)
        stuck.open.clear()
        ids = await post_works(house, staff, *map(str, range(30)))
        await receiver.until(lambda: set(ids) <= set(receiver.titles()))
        assert not set(ids) & set(stuck.titles())
        stuck.open.set()
        await stuck.until(lambda: set(ids) <= set(stuck.titles()))
        assert stuck.offsets == sorted(set(stuck.offsets))


async def test_one_that_was_cut_for_not_reading_resumes_from_its_place(tmp_path: Path, receiver: Receiver) -> None:
    """A receiver so slow that the hub cuts its webhook off gets the rest from the log, without a gap or snapshot."""
    stream = Stream(high_water_bytes=2_000, frame_bytes=2_000, stuck_s=0.2, first_message_s=5, pong_s=5)
    settings = structs.replace(QUICK, batch_changes=2)
    async with sending(tmp_path, settings, stream=stream) as house:
        staff = await house.as_role()
        await register(house, receiver.url, staff)
        await receiver.until(lambda: receiver.held.cursor is not None)
        receiver.open.clear()
        ids = await post_works(house, staff, *map(str, range(40)))
        await until(lambda: house.town.hub.counters.aborted)
        receiver.open.set()
        await receiver.until(lambda: set(ids) <= set(receiver.titles()))
    assert [change["type"] for change in receiver.taken].count("resync") == 1
    assert receiver.offsets == sorted(set(receiver.offsets))


async def test_gone_ends_it(house: House, staff: dict[str, str], receiver: Receiver) -> None:
    """After an answer of 410 nothing is sent any more, and the webhook says so."""
    hook = await register(house, receiver.url, staff)
    await receiver.until(lambda: receiver.held.cursor is not None)
    receiver.answers.append(410)
    await post_works(house, staff, "last")
    shown = await until_state(house, hook["id"], staff, "gone")
    posts = len(receiver.posts)
    await post_works(house, staff, "more")
    async with receiving() as other:
        # Who registers now hears of what comes now: by then the first would have too.
        await register(house, other.url, staff)
        await other.until(lambda: len(other.titles()) == 2)
    assert len(receiver.posts) == posts
    assert "410" in str(shown["last_error"])


async def test_redirects_are_not_followed(house: House, staff: dict[str, str], receiver: Receiver) -> None:
    """An answer that leads elsewhere is a failure like any other; nothing is asked of where it leads."""
    receiver.answers.extend([307, 302, 308])
    await register(house, receiver.url, staff)
    await receiver.until(lambda: receiver.held.cursor is not None)
    assert len(receiver.posts) == 4
    assert len({post.id for post in receiver.posts}) == 1


async def test_a_webhook_ends_with_its_key(house: House, receiver: Receiver) -> None:
    """When the key is revoked nothing more is sent, and the webhook says why."""
    key, secret = await house.town.keys.create("leaves", Role.STAFF)
    staff = await house.as_role(Role.ADMIN)
    hook = await register(house, receiver.url, {"Authorization": f"Bearer {secret}"})
    await receiver.until(lambda: receiver.held.cursor is not None)
    await house.town.keys.revoke(key.id)
    posts = len(receiver.posts)
    await post_works(house, staff, "after")
    await until_state(house, hook["id"], staff, "key-revoked")
    assert len(receiver.posts) == posts


async def test_a_deleted_webhook_sends_no_more(house: House, staff: dict[str, str], receiver: Receiver) -> None:
    """After DELETE a failing delivery is not tried again and nothing of the webhook is kept."""
    receiver.answers.extend([500] * 10_000)
    hook = await register(house, receiver.url, staff)
    await until_state(house, hook["id"], staff, "failing")
    assert (await house.ask("DELETE", f"/v1/webhooks/{hook['id']}", headers=staff)).status == 204
    assert (await house.ask("GET", f"/v1/webhooks/{hook['id']}", headers=staff)).status == 404
    assert await house.town.store.documents("webhooks") == {}
    await until(lambda: not house.town.hub.counters.connected)
    assert await house.town.store.documents("webhook-progress") == {}


async def test_one_that_never_answers_well_is_given_up(tmp_path: Path, receiver: Receiver) -> None:
    """After days of failures alone the webhook is over and shows since when and why."""
    receiver.answers.extend([500] * 10_000)
    async with sending(tmp_path, structs.replace(QUICK, give_up_days=1e-6)) as house:
        staff = await house.as_role()
        hook = await register(house, receiver.url, staff)
        shown = await until_state(house, hook["id"], staff, "given-up")
    assert shown["last_error"] == "it answered 500"
    assert shown["failing_since"] is not None
    assert shown["cursor"] is None


async def test_the_service_stops_while_a_receiver_lets_it_wait(tmp_path: Path, receiver: Receiver) -> None:
    """A delivery under way does not hold up the end of the service."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(sending(tmp_path, structs.replace(QUICK, timeout_s=600.0)))
        staff = await house.as_role()
        receiver.open.clear()
        await register(house, receiver.url, staff)
        await until(lambda: receiver.posts)
        async with asyncio.timeout(WAIT_S):
            await house.town.hub.drain(60.0)
            await stack.aclose()
