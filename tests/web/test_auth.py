"""Who may do what: keys, sessions, the local socket."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from aiohttp import ClientSession, FormData, UnixConnector
from hypothesis import given
from hypothesis import strategies as st

from geoworks.pipeline.keys import Role
from geoworks.web.sessions import COOKIE, Session, Sessions
from tests.web.house import NOW, Answer, House, feature

SOCKET = "http://localhost"


async def log_in(house: House, role: Role = Role.STAFF) -> dict[str, str]:
    """Log in by JSON and return the header of the session's cookie."""
    answer = await house.ask("POST", "/staff/login", json={"key": await house.key(role)})
    assert answer.status == 200, answer.body
    house.client.cookie_jar.clear()
    return {"Cookie": f"{COOKIE}={cookie_of(answer)[COOKIE].value}"}


def cookie_of(answer: Answer) -> SimpleCookie:
    """Return the cookies that an answer sets."""
    return SimpleCookie(answer.headers["Set-Cookie"])


async def test_an_admin_makes_and_revokes_keys(house: House) -> None:
    """The secret is told once; it works until it is revoked, and no list shows it."""
    admin = await house.as_role(Role.ADMIN)
    # Keys are listed by age, and those of one moment in no set order.
    house.clock.advance(timedelta(seconds=1))
    made = await house.ask("POST", "/v1/keys", json={"name": "SIG", "role": "staff"}, headers=admin)
    assert made.status == 201
    key = made.json()
    with_key = {"Authorization": f"Bearer {key['key']}"}
    assert (await house.ask("GET", "/v1/me", headers=with_key)).json() == {"name": "SIG", "role": "staff"}
    listed = await house.ask("GET", "/v1/keys", headers=admin)
    assert key["key"] not in listed.body.decode()
    assert [one["name"] for one in listed.json()][-1] == "SIG"
    assert (await house.ask("DELETE", f"/v1/keys/{key['id']}", headers=admin)).json()["revoked"]
    refused = await house.ask("GET", "/v1/me", headers=with_key)
    assert (refused.status, refused.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("header", ["Bearer gw_wrong", "Bearer", "Basic YTpi", "gw_x", ""])
async def test_credentials_that_are_no_good_are_refused_everywhere(house: House, header: str) -> None:
    """A misspelt key is told at once, also where none is needed."""
    answer = await house.ask("GET", "/v1/works", headers={"Authorization": header})
    assert (answer.status, answer.json()["code"]) == (401, "unauthorized")


async def test_only_admins_make_keys(house: House, staff: dict[str, str]) -> None:
    """Staff cannot raise itself."""
    answer = await house.ask("POST", "/v1/keys", json={"name": "x", "role": "admin"}, headers=staff)
    assert answer.status == 403


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "role": "king"}, {"name": "x", "rôle": "staff"}])
async def test_bad_keys_are_not_made(house: House, body: dict[str, str]) -> None:
    """A key needs a name and a role we know."""
    answer = await house.ask("POST", "/v1/keys", json=body, headers=await house.as_role(Role.ADMIN))
    if "rôle" in body:  # what is unknown is refused
        assert "rôle" in answer.json()["detail"]
    assert (answer.status, answer.json()["code"]) == (400, "invalid")


async def test_the_local_socket_is_the_admins(house: House, tmp_path_socket: str) -> None:
    """A program on this machine that can open the socket needs no key; behind a proxy it does."""
    async with ClientSession(connector=UnixConnector(tmp_path_socket)) as local:
        async with local.post(f"{SOCKET}/v1/works", json=feature()) as made:
            assert made.status == 201
        async with local.get(f"{SOCKET}/v1/me", headers={"X-Forwarded-For": "192.0.2.1"}) as proxied:
            assert (await proxied.json())["role"] == "public"
    assert (await house.ask("GET", "/v1/me")).json()["role"] == "public"


@pytest.fixture
def tmp_path_socket(house: House) -> str:
    """Return the path of the house's local socket."""
    return f"{house.town.settings.data.dir}/geoworks.sock"


async def test_a_session_stands_for_its_key_until_it_ends(house: House) -> None:
    """The cookie is the key's role for some hours, and nothing once the key is revoked."""
    session = await log_in(house)
    assert (await house.ask("GET", "/v1/me", headers=session)).json()["role"] == "staff"
    house.clock.advance(timedelta(hours=13))
    assert (await house.ask("GET", "/v1/me", headers=session)).json()["role"] == "public"


async def test_a_session_ends_with_its_key(house: House) -> None:
    """Revoking a key logs its holder out."""
    session = await log_in(house)
    await house.town.keys.revoke(house.town.keys.all()[-1].id)
    assert (await house.ask("GET", "/v1/me", headers=session)).json()["role"] == "public"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    """HttpOnly and SameSite=Strict, for the whole site, some hours; logging out takes it away."""
    answer = await house.ask("POST", "/staff/login", json={"key": await house.key()})
    cookie = cookie_of(answer)[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    out = await house.ask("POST", "/staff/logout")
    assert cookie_of(out)[COOKIE]["max-age"] == "0"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_session_writes_only_from_our_own_pages(house: House, sent: dict[str, str], status: int) -> None:
    """Another site cannot make a logged-in browser write, whatever it sends."""
    session = await log_in(house)
    answer = await house.ask("POST", "/v1/works", json=feature(), headers=session | sent)
    assert answer.status == status


async def test_a_session_writes_with_the_right_origin(house: House) -> None:
    """Browsers that tell no Sec-Fetch-Site tell the origin."""
    session = await log_in(house)
    own = {"Origin": str(house.base.origin())}
    assert (await house.ask("POST", "/v1/works", json=feature(), headers=session | own)).status == 201


async def test_logging_in_by_form_leads_to_the_console(house: House) -> None:
    """Without script the form works too, from our own page only."""
    form = {"key": await house.key()}
    own = {"Origin": str(house.base.origin())}
    answer = await house.ask("POST", "/staff/login", data=form, headers=own, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/staff")
    foreign = await house.ask("POST", "/staff/login", data=form, headers={"Origin": "https://evil.example"})
    assert foreign.status == 403


@pytest.mark.parametrize("body", [{"key": "gw_wrong"}, {"key": ""}])
async def test_a_wrong_key_does_not_log_in(house: House, body: dict[str, str]) -> None:
    """The login says no and sets no cookie."""
    answer = await house.ask("POST", "/staff/login", json=body)
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "é", "W10=.W10=", "." * 50, "%00"])
async def test_made_up_cookies_are_nobody(house: House, cookie: str) -> None:
    """A cookie we did not sign is no session and no error."""
    answer = await house.ask("GET", "/v1/me", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert (answer.status, answer.json()["role"]) == (200, "public")


@given(st.text("abcdefABCDEF0123456789-_=.", max_size=120))
def test_no_invented_cookie_is_a_session(cookie: str) -> None:
    """Whatever is sent, only what was signed under the secret is read."""
    assert Sessions(b"secret").read(cookie, now=NOW) is None


def test_a_session_signed_elsewhere_is_none() -> None:
    """Another secret's cookie, or one letter changed, is refused."""
    session = Session("key", NOW + timedelta(hours=1))
    cookie = Sessions(b"one").write(session)
    assert Sessions(b"one").read(cookie, now=NOW) == session
    assert Sessions(b"two").read(cookie, now=NOW) is None
    said, _, signature = cookie.partition(".")
    assert Sessions(b"one").read(f"{said[:-2]}AA.{signature}", now=NOW) is None


async def test_a_form_in_parts_is_no_login(house: House) -> None:
    """Nobody logs in with a file: a form that could bring one is not read."""
    form = FormData()
    form.add_field("key", "gw_x", filename="key.txt")
    answer = await house.ask("POST", "/staff/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 400
    assert "send application/json" in answer.json()["detail"]
