"""Reporting as anybody: sent, suggested, read; once however often it is sent, and no flood."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData, MultipartWriter
from shapely import box

from geoworks.config.settings import Server
from geoworks.model.change import Kind
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.keys import Role
from tests.web.citizen import HERE, a_report, filed, follow, send
from tests.web.conftest import OpenHouse, Post
from tests.web.house import Answer, House

HOSTILE = [
    "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "${constructor.constructor('return 1')()} {{7*7}} {% raw %} `rm -rf`",
    "\u202egnp.exe\u2066 \x00\x1b[31mred\x07 \u200bhidden",
    "\"; DROP TABLE features; -- ' OR 1=1",
    "=cmd|' /C calc'!A0",
]


async def test_text_and_place_suffice(house: House) -> None:
    """A text and a point are a report: it has an id, a link, a category, and somebody who handles it."""
    answer = await send(house, a_report("Un gros trou"))
    said = answer.json()
    assert answer.status == 201
    assert said["category"] == "chaussee"
    assert said["handler"] == "Services techniques, voirie"
    assert said["reason"] == "la voirie communale est à la charge de la mairie"
    assert said["works"] == []
    assert said["url"].startswith("/r/")
    assert answer.headers["Location"] == f"/v1/reports/{said['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    read = await house.ask("GET", answer.headers["Location"])
    assert read.json()["geometry"]["coordinates"] == list(HERE)


async def test_the_language_is_the_readers(house: House) -> None:
    """The reason comes in the language of the address or of the browser."""
    for path, accept, words in (
        ("/v1/reports?lang=en", "fr", "in charge of"),
        ("/v1/reports", "en-GB", "in charge of"),
        ("/v1/reports", "de, fr;q=0.5", "à la charge"),
    ):
        answer = await house.ask("POST", path, json=a_report("Un trou"), headers={"Accept-Language": accept})
        assert words in answer.json()["reason"]


async def test_the_citizen_has_the_last_word_on_the_category(house: House) -> None:
    """A chosen category stays, whatever the words say."""
    assert (await filed(house, a_report("Un trou", category="eclairage")))["category"] == "eclairage"


@pytest.mark.parametrize("base", ["", "/travaux"])
@pytest.mark.parametrize(
    ("public", "start"),
    [("", ""), ("https://ville.example", "https://ville.example"), ("https://v.example/", "https://v.example")],
)
async def test_links_lead_to_the_public_address(open_house: OpenHouse, base: str, public: str, start: str) -> None:
    """Behind a proxy the link has the public address and the prefix."""
    async with open_house(server=Server(port=0, base_path=base, public_url=public)) as house:
        url = (await filed(house))["url"]
        assert url.startswith(f"{start}{base}/r/")
        page = await house.ask("GET", f"/r/{url.rpartition('/')[2]}")
        assert page.status == 200


async def test_beside_works_the_promoter_is_named(house: House, post: Post) -> None:
    """Trouble beside works goes to who coordinates them, with the name of who they are done for, and the works."""
    works = await post("Réseau d'eau", promoter="Eau Cœur d'Essonne")
    said = await filed(house, a_report("Impossible de passer avec la poussette"))
    assert said["category"] == "chantier"
    assert "Eau Cœur d'Essonne" in said["handler"]
    assert "Réseau d'eau" in said["reason"]
    assert [(one["id"], one["title"], one["status"]) for one in said["works"]] == [
        (works["id"], "Réseau d'eau", "active")
    ]
    followed = await follow(house, said["token"])
    assert followed["works"][0]["id"] == works["id"]
    assert followed["handler"] == said["handler"]


async def test_suggestions_before_sending(house: House, post: Post) -> None:
    """While it is written the page learns category, handler, works and what was reported nearby, without words."""
    await post("Réseau d'eau")
    first = await filed(house, a_report("Un trou énorme devant chez Camille"))
    asked = {"text": "il y a un trou", "geometry": {"type": "Point", "coordinates": [2.30652, 48.63471]}}
    answer = await house.ask("POST", "/v1/reports/suggest", json=asked)
    said = answer.json()
    assert answer.status == 200
    assert (said["category"], [one["title"] for one in said["works"]]) == ("chaussee", ["Réseau d'eau"])
    (same,) = said["duplicates"]
    assert same.keys() == {"id", "category", "distance_m", "created", "status"}
    assert (same["id"], same["status"], same["distance_m"] < 3) == (first["id"], "received", True)
    assert b"Camille" not in answer.body
    placeless = await house.ask("POST", "/v1/reports/suggest", json={"text": "lampadaire", "geometry": None})
    assert placeless.json()["category"] == "eclairage"
    assert house.town.state.count(Kind.REPORT) == 1


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_kept_as_text(house: House, text: str) -> None:
    """What looks like a program comes back as the same harmless text in JSON, never as a page."""
    said = await filed(house, a_report(text, place=text))
    answer = await house.ask("GET", f"/v1/reports/follow/{said['token']}")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kept = answer.json()["text"]
    assert not any(ord(char) < 32 or char in "\u202e\u2066\u200b" for char in kept)
    assert kept == "".join(char for char in text if ord(char) >= 32 and char not in "\u202e\u2066\u200b").strip()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"text": NaN}', "application/json", 400),
        (b"[" * 100_000, "application/json", 413),
        (b'{"text": "' + b"x" * 6_000_000 + b'"}', "application/json", 413),
        (b"\xff\xfe", "application/json", 400),
        (json.dumps(a_report()).encode(), "text/plain", 400),
        (b"text=x", "application/x-www-form-urlencoded", 400),
        (json.dumps(a_report(photo="x")).encode(), "application/json", 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (b"nothing of a form", "multipart/form-data; boundary=x", 400),
        (b"nothing of a form", "multipart/form-data", 400),
    ],
)
async def test_malformed_posts_are_refused(house: House, body: bytes, kind: str, status: int) -> None:
    """Whatever is no report is refused with a mend, and nothing is written."""
    answer = await house.ask("POST", "/v1/reports", data=BytesIO(body), headers={"Content-Type": kind})
    assert answer.status == status, answer.body
    problem = answer.json()
    assert problem["code"] in {"invalid", "too-large"}
    assert problem["detail"]
    assert house.town.state.count(Kind.REPORT) == 0


async def test_a_form_needs_its_report(house: House) -> None:
    """A form without the report, or with a field nobody knows, is refused."""
    for name in ("photo", "surprise"):
        made = FormData()
        made.add_field(name, b"", filename="", content_type="image/jpeg")
        answer = await house.ask("POST", "/v1/reports", data=made)
        assert answer.status == 400
    nested = MultipartWriter("form-data")
    nested.append(MultipartWriter("mixed"))
    assert (await house.ask("POST", "/v1/reports", data=nested)).status == 400


async def test_other_sites_cannot_make_browsers_report(house: House) -> None:
    """A form that a browser says came from another site is refused."""
    answer = await send(house, a_report(), [b"x"], Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")


async def test_reports_for_other_towns_are_refused_kindly(house: House) -> None:
    """A place far from all zones is refused with the reason."""
    zone = Zone(name="Gare", geometry=box(2.30, 48.63, 2.31, 48.64))
    await house.town.desk.submit(zones.put("gare", zone, actor="me"))
    answer = await send(house, a_report(at=(5.37, 43.3)))
    assert (answer.status, answer.json()["problems"][0]["where"]) == (400, "geometry")
    said = await filed(house)
    assert (await house.ask("GET", f"/v1/reports/{said['id']}")).json()["properties"]["zones"] == ["gare"]


async def test_sent_twice_it_is_one_report(house: House) -> None:
    """The same key tells the same report and link again, at the same time or later, and writes nothing more."""
    both = await asyncio.gather(*(send(house, a_report(), Idempotency_Key="k1") for _ in range(4)))
    later = await send(house, a_report(), Idempotency_Key="k1")
    assert {answer.status for answer in (*both, later)} == {201}
    assert len({answer.json()["url"] for answer in (*both, later)}) == 1
    assert later.headers["Idempotent-Replayed"] == "true"
    assert house.town.state.count(Kind.REPORT) == 1
    assert (await follow(house, later.json()["url"].rpartition("/")[2]))["id"] == later.json()["id"]
    other = await send(house, a_report("Autre chose"), Idempotency_Key="k1")
    assert (other.status, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_the_key_outlives_a_restart_and_the_store_holds_no_link(open_house: OpenHouse) -> None:
    """After a restart the same post is answered with the same link; neither link nor key is in the store's files."""
    async with open_house() as house:
        first = (await send(house, a_report(), Idempotency_Key="page-3f9a27c1")).json()
        folder = house.folder
    token = first["url"].rpartition("/")[2]
    assert _files_with(folder, token, token.partition("-")[2], "page-3f9a27c1") == []
    async with open_house() as house:
        again = await send(house, a_report(), Idempotency_Key="page-3f9a27c1")
        assert again.json() == first


def _files_with(folder: Any, *words: str) -> list[str]:  # noqa: ANN401 - a path
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word.encode() in path.read_bytes() for word in words)]


async def test_thirty_neighbours_may_report_at_once(open_house: OpenHouse) -> None:
    """Thirty people behind one address report with the settings as they come, also while others read."""
    async with open_house(server=Server(port=0)) as house:
        await asyncio.gather(*(house.ask("GET", "/v1/reports") for _ in range(60)))
        answers = await asyncio.gather(*(send(house, a_report(f"Trou {number}")) for number in range(30)))
        assert [answer.status for answer in answers] == [201] * 30


async def test_a_flood_is_stopped(open_house: OpenHouse) -> None:
    """Beyond the burst an address is told when to come back; the town's own people go on."""
    server = Server(port=0, requests_per_minute=10_000, report_burst=5, report_per_minute=0.1)
    async with open_house(server=server) as house:
        answers = [await send(house, a_report()) for _ in range(8)]
        assert [answer.status for answer in answers] == [201] * 5 + [429] * 3
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 600
        assert answers[-1].json()["temporary"] is True
        staff = await house.as_role(Role.MODERATOR)
        assert (await send(house, a_report(), (), **staff)).status == 201
        assert house.town.state.count(Kind.REPORT) == 6


def ids(answer: Answer) -> list[str]:
    """Return the ids of a collection."""
    return [feature["id"] for feature in answer.json()["features"]]


async def test_reading_reports_with_filters(house: House) -> None:
    """Reports are read by place, zone, category and status, page by page; closed ones only when asked for."""
    zone = Zone(name="Gare", geometry=box(2.30, 48.63, 2.31, 48.64))
    await house.town.desk.submit(zones.put("gare", zone, actor="me"))
    near, lamp = await filed(house), await filed(house, a_report("lampadaire éteint", at=(2.32, 48.65)))
    moderator = await house.as_role(Role.MODERATOR)
    closed = await filed(house)
    await house.ask("POST", f"/v1/reports/{closed['id']}/status", json={"status": "resolved"}, headers=moderator)
    open_ones = sorted([near["id"], lamp["id"]])
    for query, expected in {
        "": open_ones,
        "?bbox=2.30,48.63,2.31,48.64": [near["id"]],
        "?zone=gare,nord": [near["id"]],
        "?category=eclairage": [lamp["id"]],
        "?status=resolved": [closed["id"]],
        "?status=received,resolved": sorted([*open_ones, closed["id"]]),
        "?limit=1": open_ones[:1],
        f"?after={open_ones[0]}": open_ones[1:],
    }.items():
        answer = await house.ask("GET", f"/v1/reports{query}")
        assert sorted(ids(answer)) == expected, query
        assert answer.headers["Geoworks-Cursor"] == str(house.town.state.cursor)
        assert ('rel="next"' in answer.headers.get("Link", "")) == (query == "?limit=1")
    for query in ("?bbox=3,2,1,0", "?status=open", "?colour=red"):
        assert (await house.ask("GET", f"/v1/reports{query}")).status == 400


async def test_readers_are_told_when_nothing_changed(house: House) -> None:
    """Collection and single report have an entity tag, and are not sent again until they change."""
    said = await filed(house)
    for path in ("/v1/reports", f"/v1/reports/{said['id']}"):
        tag = (await house.ask("GET", path)).headers["ETag"]
        assert (await house.ask("GET", path, headers={"If-None-Match": tag})).status == 304
    assert (await house.ask("GET", "/v1/reports/unknown")).status == 404
