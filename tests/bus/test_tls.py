"""The way to a NATS server is as secret as its address says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from geoworks.bus.jetstream import examine
from geoworks.config.nodes import BusTable
from geoworks.errors import BusError
from tests.bus.nodes import EPOCH, followed, running_node, settings_of
from tests.left_out import needed_program
from tests.nats_server import NatsServer, running_nats


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate of this machine, signed by itself."""
    openssl = needed_program("openssl", package="openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(tmp_path / "key.pem")]
    whose = ["-subj", "/CN=bus.example.org", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    made = tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", *key, "-out", str(made), *whose], capture_output=True, check=True, timeout=60
    )
    return made


@pytest.fixture
def server(certificate: Path) -> Iterator[NatsServer]:
    """Run a server that speaks TLS only, and only to those with the password."""
    files = f'cert_file: "{certificate}", key_file: "{certificate.with_name("key.pem")}"'
    with running_nats(secured=True, more=f"tls {{ {files} }}") as server:
        yield server


def _secret(server: NatsServer) -> BusTable:
    return structs.replace(settings_of(server), nats_servers=(f"tls://town:s3cret@127.0.0.1:{server.port}",))


async def test_news_passes_over_tls(server: NatsServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a certificate that is believed, nodes hear each other; a crash of the server leaves nothing behind."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with running_node(_secret(server)) as one, running_node(_secret(server)) as other:
        one.bus.tell_numbered(EPOCH, [followed(1)])
        await other.ear.until(lambda: other.ear.offsets == [1])
        server.kill()
        await one.until_trouble("see that the NATS server runs")
        server.start()
        await other.ear.until(lambda: other.ear.hints > 0)


async def test_a_strange_certificate_is_trouble(server: NatsServer) -> None:
    """A certificate that nobody vouches for is an error with its mend."""
    with pytest.raises(BusError, match="SSL_CERT_FILE"):
        await examine(_secret(server))


async def test_no_password_goes_to_a_server_without_tls() -> None:
    """Where the address asks for TLS and the server speaks none, the node does not even log in."""
    with running_nats(secured=True, more="trace: true") as server:
        with pytest.raises(BusError, match="does not speak TLS"):
            await examine(_secret(server))
        assert "CONNECT" not in server.log
