"""What every answer says to browsers and proxies, and what proxies say to us."""

from __future__ import annotations

import pytest
from msgspec import structs

from geoworks.config.settings import Server, Tiles
from geoworks.errors import ConfigError
from geoworks.web.origin import read_networks
from tests.web.conftest import OpenHouse
from tests.web.house import House, feature


@pytest.mark.parametrize("path", ["/", "/report", "/staff", "/status", "/maps/", "/r/token", "/nothing"])
async def test_our_pages_run_no_inline_script_and_fit_in_no_frame(house: House, path: str) -> None:
    """The policy allows our own scripts alone, and pictures from the tiles' host."""
    answer = await house.ask("GET", path, headers={"Accept": "text/html"})
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "https://data.geopf.fr" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Referrer-Policy" in answer.headers


async def test_the_embedded_map_fits_in_frames(house: House) -> None:
    """Other sites may frame it; its scripts are as strict as elsewhere."""
    answer = await house.ask("GET", "/embed")
    assert "X-Frame-Options" not in answer.headers
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


async def test_generated_maps_live_in_a_sandbox(house: House) -> None:
    """Their inline scripts run without our cookies; other origins may be framed around them."""
    folder = house.folder / "maps"
    folder.mkdir(exist_ok=True)
    (folder / "zone-etang.html").write_text("<title>L&#39;étang &lt;nord&gt;</title>", encoding="utf-8")
    answer = await house.ask("GET", "/maps/zone-etang.html")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status == 200
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    listed = await house.ask("GET", "/maps/")
    assert "L&#39;étang &lt;nord&gt;" in listed.body.decode()
    assert 'href="/maps/zone-etang.html"' in listed.body.decode()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://{s}.tile.example.org/{z}/{x}/{y}.png", "https://*.tile.example.org"),
        ("", "img-src 'self' data: blob:;"),
    ],
)
async def test_tiles_come_only_from_where_they_are(open_house: OpenHouse, url: str, allowed: str) -> None:
    """The tiles of the settings are allowed, and nothing when there are none."""
    async with open_house(tiles=structs.replace(Tiles(), url=url)) as house:
        assert allowed in (await house.ask("GET", "/")).headers["Content-Security-Policy"]


async def test_other_sites_may_read_and_not_write(house: House) -> None:
    """Any origin reads works, zones, scripts and maps; a preflight allows reading alone."""
    origin = {"Origin": "https://elsewhere.example"}
    for path in ("/v1/works", "/v1/nothing", "/static/page.js"):
        assert (await house.ask("GET", path, headers=origin)).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in (await house.ask("GET", "/", headers=origin)).headers
    asked = origin | {"Access-Control-Request-Method": "POST"}
    preflight = await house.ask("OPTIONS", "/v1/works", headers=asked)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    assert "Authorization" not in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers


async def test_other_sites_may_post_areas(house: House) -> None:
    """A page elsewhere that asks about a long route posts it first, as JSON or GPX, and without any key."""
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    preflight = await house.ask("OPTIONS", "/v1/areas", headers=asked)
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Authorization" not in preflight.headers["Access-Control-Allow-Headers"]


async def test_the_client_of_the_stream_can_be_imported_from_anywhere(house: House) -> None:
    """At an address that stays, with the type and the permission that browsers want of a module from another site."""
    module = await house.ask("GET", "/static/geoworks-client.js", headers={"Origin": "https://elsewhere.example"})
    assert module.status == 200
    assert module.headers["Content-Type"].split(";")[0] in {"text/javascript", "application/javascript"}
    assert module.headers["Access-Control-Allow-Origin"] == "*"


async def test_only_named_sites_read_when_they_are_named(open_house: OpenHouse) -> None:
    """With a list of origins the others get no permission."""
    server = Server(port=0, cors_origins=("https://one.example",))
    async with open_house(server=server) as house:
        for origin, allowed in (("https://one.example", "https://one.example"), ("https://two.example", None)):
            answer = await house.ask("GET", "/v1/works", headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            assert "Origin" in answer.headers.get("Vary", "") or allowed is None


async def test_every_answer_has_a_number(house: House) -> None:
    """The number in the header is that of the problem document."""
    good, bad = await house.ask("GET", "/v1/works"), await house.ask("GET", "/v1/nothing")
    assert good.headers["X-Request-Id"] != bad.headers["X-Request-Id"]
    assert bad.json()["request"] == bad.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("trusted", "sent", "limited"),
    [
        (("127.0.0.1",), ["192.0.2.1", "192.0.2.2"], False),
        (("127.0.0.0/8", "10.0.0.0/8"), ["192.0.2.1, 10.0.0.5", "192.0.2.2, 10.0.0.5"], False),
        (("127.0.0.1",), ["198.51.100.9, 192.0.2.1", "198.51.100.8, 192.0.2.1"], True),
        ((), ["192.0.2.1", "192.0.2.2"], True),
        (("10.0.0.0/8",), ["192.0.2.1", "192.0.2.2"], True),
    ],
)
async def test_only_trusted_proxies_say_who_asks(
    open_house: OpenHouse, trusted: tuple[str, ...], sent: list[str], *, limited: bool
) -> None:
    """Behind a trusted proxy each reader has an own limit; nobody else, and no invented chain, gets a fresh one."""
    async with open_house(server=Server(port=0, requests_per_minute=1, trusted_proxies=trusted)) as house:
        statuses = [(await house.ask("GET", "/v1/zones", headers={"X-Forwarded-For": one})).status for one in sent]
        assert statuses == [200, 429 if limited else 200]


async def test_behind_https_cookies_are_secure(open_house: OpenHouse) -> None:
    """A trusted proxy that speaks https makes the session's cookie secure, and the origin right."""
    async with open_house(server=Server(port=0, trusted_proxies=("127.0.0.1",))) as house:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "ville.example"}
        form = {"key": await house.key()}
        origin = {"Origin": "https://ville.example"}
        answer = await house.ask("POST", "/staff/login", data=form, headers=forwarded | origin, allow_redirects=False)
        assert answer.status == 303
        assert "Secure" in answer.headers["Set-Cookie"]


def test_a_proxy_that_is_no_address_is_a_wrong_setting() -> None:
    """The setting is named, with the way to write it."""
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies.*10\.0\.0\.0/8"):
        read_networks(("nginx",))


@pytest.mark.parametrize("prefix", ["", "/travaux"])
async def test_a_base_path_works_whether_the_proxy_strips_it_or_not(open_house: OpenHouse, prefix: str) -> None:
    """Doors, pages, static files and the addresses in answers all stand below the base path."""
    async with open_house(server=Server(port=0, base_path="/travaux")) as house:
        for path in ("/v1/works", "/", "/static/page.js", "/theme.css", "/health/live", "/maps/"):
            assert (await house.ask("GET", prefix + path)).status == 200, path
        made = await house.ask("POST", f"{prefix}/v1/works", json=feature(), headers=await house.as_role())
        assert made.headers["Location"].startswith("/travaux/v1/works/api:")
        page = (await house.ask("GET", f"{prefix}/")).body.decode()
        assert 'href="/travaux/theme.css"' in page
        embed = await house.ask("GET", f"{prefix}/embed")
        assert "frame-ancestors *" in embed.headers["Content-Security-Policy"]
        document = (await house.ask("GET", f"{prefix}/v1/openapi.json")).json()
        assert document["servers"] == [{"url": "/travaux"}]
