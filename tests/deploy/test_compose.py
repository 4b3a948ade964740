"""compose.yaml, read with care where no engine can run it: every part fits the image, the settings and the site."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import yaml
from aiomqtt import MqttError
from msgspec import structs
from nats.aio.client import Client as NatsClient

from geoworks.bus import jetstream
from geoworks.config.loader import load_settings
from geoworks.config.nodes import BusKind, BusTable, NodeRole
from geoworks.config.settings import Engine, Server, Settings, Stream
from geoworks.errors import BusError
from geoworks.mqtt.address import read_address
from tests.deploy.nginx import SITE
from tests.nats_server import NatsServer, running_nats
from tests.shared import ROOT

_COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
_SERVICES = _COMPOSE["services"]
_DRAINED_S = 15
_WAIT_S = 30
_NODES = ("worker", "gateway-1", "gateway-2")
_GATEWAYS = _NODES[1:]


def _address(name: str) -> str:
    return str(_SERVICES[name]["networks"]["inside"]["ipv4_address"])


def test_references() -> None:
    """Whatever a service leans on, mounts or joins is there."""
    for service in _SERVICES.values():
        assert service.get("depends_on", {}).keys() <= _SERVICES.keys()
        assert set(service["networks"]) <= _COMPOSE["networks"].keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            # The certificate is the town's own.
            assert source in {*_COMPOSE["volumes"], "./tls"} or (ROOT / source).is_file(), source


def test_order() -> None:
    """Nodes wait for a database and a bus that answer, the proxy for gateways that do (the image has its check)."""
    healthy = {"condition": "service_healthy"}
    for name in _NODES:
        assert _SERVICES[name]["depends_on"] == {"database": healthy, "bus": healthy}
    assert _SERVICES["proxy"]["depends_on"] == dict.fromkeys(_GATEWAYS, healthy)
    assert "/healthz" in _SERVICES["bus"]["healthcheck"]["test"][-1]
    assert "pg_isready" in _SERVICES["database"]["healthcheck"]["test"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def _settings(name: str) -> Settings:
    environment = {key: value.replace("${NATS_PASSWORD}", "s3cret") for key, value in _environment(name).items()}
    return load_settings(ROOT / "config.toml", environment)


def _environment(name: str) -> dict[str, str]:
    found: dict[str, str] = _SERVICES[name]["environment"]
    return found


@pytest.mark.parametrize("name", _NODES)
def test_settings(name: str) -> None:
    """The environment of a node is settings it knows: store, bus, broker, its role, and the one proxy believed."""
    settings = _settings(name)
    assert settings.store.engine is Engine.POSTGRESQL
    assert settings.store.dsn == "postgresql://geoworks@database/town"
    assert settings.server.trusted_proxies == (_address("proxy"),)
    assert (settings.node.name, settings.node.role) == (name, NodeRole(name.partition("-")[0]))
    assert (settings.bus.kind, settings.bus.nats_servers) == (BusKind.NATS, ("nats://town:s3cret@bus:4222",))
    assert read_address(settings.mqtt.url).shown == "mqtt://bus:1883"


def test_addresses() -> None:
    """Proxy and gateways have addresses of their network, each its own, which no other service is given before them."""
    (network,) = _COMPOSE["networks"]["inside"]["ipam"]["config"]
    addresses = {_address(name) for name in (*_GATEWAYS, "proxy")}
    assert len(addresses) == 3
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network(network["subnet"]) for address in addresses)
    assert not any(ipaddress.ip_address(address) in ipaddress.ip_network(network["ip_range"]) for address in addresses)


def test_folders_of_nodes() -> None:
    """Each node has a data folder of its own; the maps are in one that the worker writes and the gateways read."""
    folders = [_SERVICES[name]["volumes"] for name in _NODES]
    assert [volumes[0] for volumes in folders] == [f"{name}:/data" for name in _NODES]
    assert [volumes[1] for volumes in folders] == ["maps:/maps", "maps:/maps:ro", "maps:/maps:ro"]
    assert {_settings(name).maps.dir for name in _NODES} == {"/maps"}
    assert "--owner geoworks --group geoworks /maps /data" in (ROOT / "Dockerfile").read_text()


def test_database_is_the_one_asked_for() -> None:
    """User, database and password are the same at both ends, and the password stands in no file of the project."""
    given = _environment("database")
    for name in _NODES:
        used = _environment(name)
        assert used["GEOWORKS_STORE_DSN"] == f"postgresql://{given['POSTGRES_USER']}@database/{given['POSTGRES_DB']}"
        assert used["PGPASSWORD"] == "${DATABASE_PASSWORD}"
    assert given["POSTGRES_PASSWORD"].startswith("${DATABASE_PASSWORD:?")


@pytest.mark.parametrize("password", ["s3cret", "1e5", "12", "true"])
async def test_bus(password: str) -> None:
    """NATS with the delivered file lets in the nodes with their password, whatever it looks like, and vehicles without.

    Vehicles hear what the public sees and none of what nodes tell each other, and can say nothing.
    """
    given = _environment("bus")["NATS_PASSWORD"]
    assert re.fullmatch(r'"\$\{NATS_PASSWORD:\?[^}]+\}"', given)
    told = {"NATS_PASSWORD": f'"{password}"'}
    with running_nats(mqtt=True, delivered=ROOT / "deploy" / "nats.conf", environment=told) as server:
        bus = BusTable(kind=BusKind.NATS, nats_servers=(server.url.replace("//", f"//town:{password}@"),))
        assert "with JetStream" in await jetstream.examine(bus)
        with pytest.raises(BusError):
            await jetstream.examine(structs.replace(bus, nats_servers=(server.url,)))
        await _hear_the_public_only(server, bus, password)


async def _hear_the_public_only(server: NatsServer, bus: BusTable, password: str) -> None:
    town: dict[str, Any] = {"username": "town", "password": password}
    async with (
        aiomqtt.Client("127.0.0.1", server.mqtt_port, **town) as publisher,
        aiomqtt.Client("127.0.0.1", server.mqtt_port) as vehicle,
    ):
        await publisher.publish("geoworks/gare/works/1", b"retained", qos=1, retain=True)
        for topic in ("geoworks/#", "#", f"{bus.stream}/#"):
            with suppress(MqttError):
                await vehicle.subscribe(topic, qos=1)
        with suppress(MqttError):
            await vehicle.publish("geoworks/gare/works/2", b"forged", qos=0, retain=True)
        line = NatsClient()
        await line.connect(server.url, user="town", password=password)
        await line.publish(f"{bus.stream}.log", b"draft")
        await line.publish(f"{bus.stream}.written", b"draft")
        await line.close()
        await publisher.publish("geoworks/gare/works/3", b"last", qos=1)
        heard = []
        async with asyncio.timeout(_WAIT_S):
            async for message in vehicle.messages:
                heard.append(message.payload)
                if message.payload == b"last":
                    break
        assert heard == [b"retained", b"last"]


def test_only_the_proxy_is_open() -> None:
    """No port of a node, the database or the bus is published."""
    assert {name for name, service in _SERVICES.items() if "ports" in service} == {"proxy"}
    assert _COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("database", "bus"):
        assert _SERVICES[name]["networks"] == ["inside"]
    for name in _NODES:
        assert set(_SERVICES[name]["networks"]) == {"inside", "outside"}


@pytest.mark.parametrize("name", _NODES)
def test_stops_gently(name: str) -> None:
    """A node has the time to take leave of its clients, and the files for as many as may come."""
    service = _SERVICES[name]
    (grace_s,) = re.findall(r"^(\d+)s$", service["stop_grace_period"])
    assert int(grace_s) >= Server().drain_s + _DRAINED_S
    assert service["ulimits"]["nofile"] >= 2 * Stream().connections + 256
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True


def test_site_is_turned_to_the_gateways(tmp_path: Path) -> None:
    """The proxy's command makes of the delivered site one that asks the gateways at their addresses here."""
    shell, option, script = _SERVICES["proxy"]["command"]
    fitted = tmp_path / "default.conf"
    script = script.replace("/etc/nginx/geoworks.conf", str(SITE)).replace(
        "/etc/nginx/conf.d/default.conf", str(fitted)
    )
    script, _, last = script.partition(" && exec ")
    assert last == "nginx -g 'daemon off;'"
    subprocess.run([shell, option, script], check=True, timeout=20)
    servers = " ".join(f"server {_address(name)}:8080;" for name in _GATEWAYS)
    assert fitted.read_text() == SITE.read_text().replace("server 127.0.0.1:8080;", servers)
    assert servers in fitted.read_text()


def test_images_are_pinned() -> None:
    """No image from elsewhere moves to another release by itself."""
    images = [service["image"] for service in _SERVICES.values() if "build" not in service]
    assert all(re.search(r":\d", image) for image in images)
    assert {_SERVICES[name]["build"] for name in _NODES} == {"."}
