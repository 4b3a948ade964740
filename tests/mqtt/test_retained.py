"""What vehicles hold: the state when they come, and every change, from a real broker."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import unquote

import aiomqtt
import msgspec
import pytest
from msgspec import structs

from geoworks.ids import MAX_ID_LENGTH
from geoworks.model.change import Cursor, Key, Kind
from geoworks.model.works import Visibility
from geoworks.mqtt.board import LARGEST_BODY_BYTES
from geoworks.mqtt.topics import level
from geoworks.pipeline import works
from tests.mqtt.town import IN_A, IN_B, IN_BOTH, IN_NONE, Town, settings_of, telling
from tests.mqtt.vehicle import Vehicle, driving
from tests.nats_server import NatsServer
from tests.pipeline.house import NOON, House, a_works, a_zone, put, put_zone


async def test_a_vehicle_that_comes_gets_what_there_is(
    house: House, town: Town, broker: NatsServer, root: str, vehicle: Vehicle
) -> None:
    """Everything stands under its zones before anything changes, with the bytes of the other doors."""
    await town.put_zones()
    await town.put("api:1")
    await vehicle.until_topics("a/zone/a", "b/zone/b", "a/works/api:1")
    async with driving(broker, root) as late:
        await late.until(lambda: len(late.heard) == 3)
        assert late.titles == {"a/zone/a": "Gare", "b/zone/b": "Gare", "a/works/api:1": "api:1"}
        entry = house.state.get(Key(Kind.WORKS, "api:1"))
        assert entry
        told = msgspec.json.decode(dict(late.heard)[f"{root}/a/works/api:1"], type=dict[str, msgspec.Raw])
        assert bytes(told["feature"]) == entry.body
        assert str(house.state.cursor).startswith(f"{house.state.cursor.epoch}.")
        cursor = Cursor.parse(json.loads(bytes(told["cursor"])))
        assert cursor.epoch == house.state.cursor.epoch
        assert 0 < cursor.offset <= house.state.cursor.offset


async def test_the_first_state_has_the_cursor_of_the_town(house: House, broker: NatsServer, root: str) -> None:
    """What is put when nothing stood there tells where the town's log was."""
    for id_ in ("api:1", "api:2"):
        await house.desk.submit(put(id_))
    cursor = str(house.state.cursor)
    async with driving(broker, root) as vehicle, telling(house, settings_of(broker, root)):
        await vehicle.until_topics("-/works/api:1", "-/works/api:2")
        assert {told["cursor"] for told in vehicle.held.values()} == {cursor}


async def test_a_change_comes_live(town: Town, vehicle: Vehicle) -> None:
    """A put takes the place of the one before, with a greater cursor."""
    await town.put("api:1")
    await vehicle.until_topics("-/works/api:1")
    (before,) = vehicle.held.values()
    await town.put("api:1", a_works(title="longer"))
    await vehicle.until(lambda: vehicle.titles == {"-/works/api:1": "longer"})
    (after,) = vehicle.held.values()
    assert Cursor.parse(before["cursor"]) < Cursor.parse(after["cursor"])


async def test_what_is_over_is_cleared(house: House, town: Town, vehicle: Vehicle) -> None:
    """Ended by the clock, cancelled, withdrawn into a draft: the topic is cleared, for who comes later too."""
    await town.put("api:stays", a_works(title="stays", end=None))
    for id_ in ("api:ends", "api:cancelled", "api:drafted"):
        await town.put(id_)
    await vehicle.until(lambda: len(vehicle.held) == 4)
    await house.desk.submit(works.cancel("api:cancelled", actor="test"))
    await vehicle.until_topics("-/works/api:stays", "-/works/api:ends", "-/works/api:drafted")
    await town.put("api:drafted", structs.replace(a_works(), visibility=Visibility.DRAFT))
    await vehicle.until_topics("-/works/api:stays", "-/works/api:ends")
    await house.advance(timedelta(days=2))
    await vehicle.until_topics("-/works/api:stays")


async def test_a_draft_is_never_told(town: Town, vehicle: Vehicle) -> None:
    """Nothing of a draft goes out, not even that it is there."""
    await town.put("api:secret", structs.replace(a_works(), visibility=Visibility.DRAFT))
    await town.put("api:1")
    await vehicle.until_topics("-/works/api:1")
    assert not any("secret" in topic for topic, _ in vehicle.heard)


async def test_works_that_move_leave_one_zone_for_another(town: Town, vehicle: Vehicle) -> None:
    """Cleared under the zone left, put under the one reached, under both while on both, under `-` in none."""
    await town.put_zones()
    zones = ("a/zone/a", "b/zone/b")
    for place, where in ((IN_A, "a"), (IN_B, "b"), (IN_BOTH, "ab"), (IN_NONE, "-"), (IN_A, "a")):
        await town.put("api:1", at=place)
        await vehicle.until_topics(*zones, *(f"{zone}/works/api:1" for zone in where))


NAMES = (
    "api:1.2.3",
    "api:a/b",
    "api:+#",
    "api:50%",
    "api:rue de l'été",
    "api:$sys*>",
    "-",
    "api:\u2028\x7f\t",
    "api:🚧" * 20,
)


async def test_any_id_is_a_topic(town: Town, vehicle: Vehicle) -> None:
    """Dots, slashes, wildcards, accents and what not: percent-encoded, and told and cleared as any other."""
    for name in NAMES:
        await town.put(name)
    await vehicle.until(lambda: len(vehicle.held) == len(NAMES))
    levels = [topic.split("/") for topic in vehicle.held]
    assert {tuple(one[1:3]) for one in levels} == {("-", "works")}
    assert {unquote(one[3]) for one in levels} == set(NAMES)
    assert all(one[3].isascii() and not set(one[3]) & set("./+# *>$") for one in levels)
    for name in NAMES:
        await town.house.desk.submit(works.cancel(name, actor="test"))
    await vehicle.until_topics()


async def test_the_longest_ids_are_topics(town: Town, vehicle: Vehicle) -> None:
    """Ids as long as they may be, of letters that need the most room, pass through the broker."""
    zone, works_id = "é" * MAX_ID_LENGTH, "🚧" * MAX_ID_LENGTH
    await town.house.desk.submit(put_zone(zone, a_zone()))
    await town.house.rejoiner.refresh()
    await town.put(works_id)
    await vehicle.until_topics(f"{level(zone)}/zone/{level(zone)}", f"{level(zone)}/works/{level(works_id)}")
    await town.house.desk.submit(works.cancel(works_id, actor="test"))
    await vehicle.until_topics(f"{level(zone)}/zone/{level(zone)}")


async def test_leftovers_of_an_earlier_life_are_cleared(
    house: House, broker: NatsServer, root: str, vehicle: Vehicle
) -> None:
    """What ended while nobody told is cleared at start; what stands as it should is not sent again."""
    async with telling(house, settings_of(broker, root)) as town:
        await town.put("api:1")
        await town.put("api:2")
        await vehicle.until_topics("-/works/api:1", "-/works/api:2")
    await house.desk.submit(works.cancel("api:1", actor="test"))
    await house.desk.submit(put("api:3"))
    async with aiomqtt.Client("127.0.0.1", broker.mqtt_port) as other:
        await other.publish(f"{root}/gone/zone/gone", b'{"feature":{"properties":{}}}', qos=1, retain=True)
        await other.publish(f"{root}/of/somebody/else", b'{"feature":{"properties":{}}}', qos=1, retain=True)
    await vehicle.until(lambda: len(vehicle.held) == 4)
    vehicle.forget()
    async with telling(house, settings_of(broker, root)):
        await vehicle.until_topics("-/works/api:2", "-/works/api:3", "of/somebody/else")
        assert {topic for topic, _ in vehicle.heard} == {
            f"{root}/{name}" for name in ("-/works/api:1", "gone/zone/gone", "-/works/api:3")
        }
        assert vehicle.heard[-1][0] == f"{root}/-/works/api:3"


async def test_a_feature_too_large_for_a_message_is_left_out(
    town: Town, vehicle: Vehicle, caplog: pytest.LogCaptureFixture
) -> None:
    """It is cleared and counted, with one warning, until it is smaller again."""
    await town.put("api:1")
    await vehicle.until_topics("-/works/api:1")
    huge = structs.replace(a_works(), description="x" * LARGEST_BODY_BYTES)
    await town.put("api:1", huge)
    await vehicle.until_topics()
    await town.put("api:2", huge)
    await town.put("api:3")
    await vehicle.until_topics("-/works/api:3")
    assert town.publisher.left_out == 2
    assert caplog.text.count("not told over MQTT") == 1
    await town.put("api:1")
    await vehicle.until_topics("-/works/api:1", "-/works/api:3")
    assert town.publisher.left_out == 1


async def test_changes_come_in_the_order_of_the_log(town: Town, vehicle: Vehicle) -> None:
    """Cursors only grow, however fast changes come; who heard one was sent all before it."""
    await town.put("api:0")
    await vehicle.until_topics("-/works/api:0")
    for number in range(200):
        await town.put(f"api:{number % 7}", a_works(title=str(number), end=NOON + timedelta(days=1 + number)))
    await vehicle.until(lambda: "199" in vehicle.titles.values())
    offsets = [Cursor.parse(json.loads(payload)["cursor"]).offset for _, payload in vehicle.heard if payload]
    assert offsets == sorted(set(offsets))
    assert set(vehicle.titles.values()) == {str(number) for number in range(193, 200)}
