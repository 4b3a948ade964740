"""compose.yaml, read with care where no engine can run it: every part fits the image, the settings and the site."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from geoworks.config.loader import load_settings
from geoworks.config.settings import Engine, Server, Stream
from tests.deploy.nginx import SITE
from tests.shared import ROOT

_COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
_SERVICES = _COMPOSE["services"]
_DRAINED_S = 15


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
    """The service waits for a database that answers, the proxy for a service that does (the image has its check)."""
    assert _SERVICES["service"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert _SERVICES["proxy"]["depends_on"] == {"service": {"condition": "service_healthy"}}
    assert "pg_isready" in _SERVICES["database"]["healthcheck"]["test"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_settings() -> None:
    """The environment of the service is settings it knows: the store, and the one proxy that is believed."""
    settings = load_settings(ROOT / "config.toml", _SERVICES["service"]["environment"])
    assert settings.store.engine is Engine.POSTGRESQL
    assert settings.store.dsn == "postgresql://geoworks@database/town"
    assert settings.server.trusted_proxies == (_address("proxy"),)
    (network,) = _COMPOSE["networks"]["inside"]["ipam"]["config"]
    for name in ("service", "proxy"):
        assert ipaddress.ip_address(_address(name)) in ipaddress.ip_network(network["subnet"])


def test_database_is_the_one_asked_for() -> None:
    """User, database and password are the same at both ends, and the password stands in no file of the project."""
    given, used = (_SERVICES[name]["environment"] for name in ("database", "service"))
    assert used["GEOWORKS_STORE_DSN"] == f"postgresql://{given['POSTGRES_USER']}@database/{given['POSTGRES_DB']}"
    assert used["PGPASSWORD"] == "${DATABASE_PASSWORD}"
    assert given["POSTGRES_PASSWORD"].startswith("${DATABASE_PASSWORD:?")


def test_only_the_proxy_is_open() -> None:
    """No port of service or database is published."""
    assert {name for name, service in _SERVICES.items() if "ports" in service} == {"proxy"}
    assert _COMPOSE["networks"]["inside"]["internal"] is True
    assert _SERVICES["database"]["networks"] == ["inside"]


def test_stops_gently() -> None:
    """The service has the time to take leave of its clients, and the files for as many as may come."""
    service = _SERVICES["service"]
    (grace_s,) = re.findall(r"^(\d+)s$", service["stop_grace_period"])
    assert int(grace_s) >= Server().drain_s + _DRAINED_S
    assert service["ulimits"]["nofile"] >= 2 * Stream().connections + 256
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True


def test_site_is_turned_to_the_service(tmp_path: Path) -> None:
    """The proxy's command makes of the delivered site one that asks the service at its address here."""
    shell, option, script = _SERVICES["proxy"]["command"]
    fitted = tmp_path / "default.conf"
    script = script.replace("/etc/nginx/geoworks.conf", str(SITE)).replace(
        "/etc/nginx/conf.d/default.conf", str(fitted)
    )
    script, _, last = script.partition(" && exec ")
    assert last == "nginx -g 'daemon off;'"
    subprocess.run([shell, option, script], check=True, timeout=20)
    assert f"server {_address('service')}:8080;" in fitted.read_text()
    assert fitted.read_text().replace(_address("service"), "127.0.0.1") == SITE.read_text()


def test_images_are_pinned() -> None:
    """No image from elsewhere moves to another release by itself."""
    images = [service["image"] for service in _SERVICES.values() if "build" not in service]
    assert all(re.search(r":\d", image) for image in images)
    assert _SERVICES["service"]["build"] == "."
