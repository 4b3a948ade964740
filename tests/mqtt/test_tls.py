"""Brokers over TLS: believed only with a certificate that this machine trusts."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from aiohttp.test_utils import unused_port

from geoworks.config.nodes import MqttTable
from tests.left_out import needed_program
from tests.mqtt.town import telling
from tests.nats_server import running_nats
from tests.pipeline.house import House

_WAIT_S = 60


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for localhost that nobody has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl = needed_program("openssl", package="openssl")
    what = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    whose = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", *what, *whose, "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, capture_output=True, check=True, timeout=_WAIT_S)
    return certificate, key


@pytest.fixture
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """Run a broker that speaks TLS alone; return its port."""
    port = unused_port()
    tls = f'tls {{ cert_file: "{certificate[0]}", key_file: "{certificate[1]}" }}'
    with running_nats(more=f'mqtt {{ host: "127.0.0.1", port: {port}, {tls} }}'):
        yield port


def settings_for(host: str, port: int) -> MqttTable:
    """Return the settings of a town that asks for TLS."""
    return MqttTable(url=f"mqtts://{host}:{port}", timeout_s=5.0)


async def test_an_unknown_certificate_is_refused(house: House, port: int) -> None:
    """The trouble says why, and no connection stays open."""
    async with telling(house, settings_for("localhost", port)) as town:
        assert "certificate verify failed" in await town.until_trouble(is_there=True)


async def test_the_name_must_be_that_of_the_certificate(
    house: House, port: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate of another host is none."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with telling(house, settings_for("127.0.0.1", port)) as town:
        assert "certificate verify failed" in await town.until_trouble(is_there=True)


async def test_a_trusted_broker_is_told(
    house: House, port: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate that the machine trusts the town is told as without TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with telling(house, settings_for("localhost", port)) as town:
        await town.put("api:1")
        tls = ssl.create_default_context(cafile=certificate[0])
        async with aiomqtt.Client("localhost", port, tls_context=tls) as vehicle:
            await vehicle.subscribe("geoworks/#", qos=1)
            async with asyncio.timeout(_WAIT_S):
                message = await anext(vehicle.messages)
    assert str(message.topic) == "geoworks/-/works/api:1"
