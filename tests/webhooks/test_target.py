"""Where webhooks lead: to the public internet and nowhere else, whatever a name says and whenever it changes."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import structs

from geoworks.config.settings import WebhooksTable
from geoworks.hub.target import is_public
from geoworks.webhooks.post import NotTaken, open_client, post
from tests.web.house import House, opened
from tests.webhooks.receiver import Receiver
from tests.webhooks.sender import TOWN

# As they come: encrypted only, and public only.
_STRICT = WebhooksTable()
_INWARD = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0"),  # noqa: S104 - it is refused
    *("192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1"),
    # Addresses that hold another one.
    *("::ffff:127.0.0.1", "::ffff:a00:1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::10.0.0.1"),
    *("2002:7f00:1::", "2001:0:7f00:1::"),
]


class Names(AbstractResolver):
    """Every name leads to one address."""

    def __init__(self, address: str) -> None:
        """Lead there."""
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the address."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [{"hostname": host, "host": self._address, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Serve a town with the settings of webhooks as they come."""
    async with opened(tmp_path) as house:
        yield house


@pytest.mark.parametrize("text", _INWARD)
def test_what_is_no_public_address(text: str) -> None:
    """Networks, this machine, many machines, a hoster's own services, and what carries one of them inside."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "9.9.9.9", "2606:4700:4700::1111", "::ffff:9.9.9.9"])
def test_what_is_a_public_address(text: str) -> None:
    """Everything else."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example.org/",
        "ftp://receiver.example.org/",
        "https://user:word@receiver.example.org/",
        "https://receiver.example.org/#part",
        "https:///path",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        f"https://receiver.example.org/{'x' * 2_000}",
    ],
)
async def test_refused_when_it_is_registered(house: House, url: str) -> None:
    """An address that is not encrypted, holds a secret, or leads inward as it is written is no webhook."""
    staff = await house.as_role()
    answer = await house.ask("POST", "/v1/webhooks", json={"url": url, "area": TOWN}, headers=staff)
    assert (answer.status, answer.json()["code"]) == (400, "invalid")
    assert (await house.ask("GET", "/v1/webhooks", headers=staff)).json() == []


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
async def test_a_name_that_leads_inward_is_not_connected_to(receiver: Receiver, leads_to: str) -> None:
    """The address is looked at when it is connected to: a name that was public when registered may lead elsewhere."""
    url = f"http://receiver.example.org:{receiver.port}/hook"
    async with open_client(_STRICT, resolver=Names(leads_to)) as client:
        with pytest.raises(NotTaken, match="not a public one"):
            await post(client, url, b"{}", {}, timeout_s=5)
    assert receiver.posts == []
    # The same name is reached by who allows it, so it was the address that was refused.
    async with open_client(structs.replace(_STRICT, allow_private=True), resolver=Names("127.0.0.1")) as client:
        await post(client, url, b'{"changes":[],"cursor":null}', {"webhook-id": "msg_1"}, timeout_s=5)
    assert len(receiver.posts) == 1
