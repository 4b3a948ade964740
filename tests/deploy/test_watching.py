"""The alerts and the board: sound to Prometheus, and made only of figures that a running service gives."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from geoworks.config.settings import Engine
from tests.cli.terminal import SOURCE, travaux
from tests.deploy.watching import ALERTS, BOARD, PACKAGE, alerts, panels, scraping, until_found
from tests.left_out import needed_program
from tests.process.service import Service, feature, serving, toml
from tests.shared import ROOT
from tests.web.driver import Driver

_CASES = Path(__file__).with_name("alerts_cases.yml")
_GUIDE = ROOT / "docs" / "operations.md"
# What Prometheus itself knows of whom it asks.
_PROMETHEUS_OWN = {"up", "job", "instance"}
_SELECTOR = re.compile(r"\b((?:geoworks|process)_\w+|up)\b(?:\{([^}]*)\})?")


# What is given by towns that many nodes serve.
_OF_NODES = re.compile(r"geoworks_(node_|log_waiting|log_transaction)")


@pytest.fixture(params=Engine)
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    """Run a service in which everything there is a figure of has happened: a source read, changes told, a report."""
    (tmp_path / "travaux.geojson").write_text(travaux({"1": "read"}))
    lines = [*SOURCE]
    if request.param is Engine.POSTGRESQL:
        databases = request.getfixturevalue("databases")
        lines += ["[store]", 'engine = "postgresql"', f'dsn = "{databases.server.dsn(databases.new())}"']
    async with serving(tmp_path, config=toml(*lines)) as service, aiohttp.ClientSession() as client:
        staff = await service.key()
        driver = Driver(service.base, {"id": "all", "area": {"everywhere": True}})
        await driver.come()
        await driver.hear_until("caught_up")
        async with client.post(service.base.join(URL("/v1/works")), json=feature("told"), headers=staff) as answer:
            assert answer.status == 201
        await driver.hear_until("put")
        async with client.post(service.base.join(URL("/v1/reports")), json={}) as answer:
            assert answer.status == 400
        async with client.post(service.base.join(URL("/v1/sync/voirie")), headers=staff) as answer:
            assert answer.status == 200, await answer.text()
        yield service


async def _figures(client: aiohttp.ClientSession, service: Service) -> str:
    async with client.get(service.base.join(URL("/metrics"))) as answer:
        return await answer.text()


def _selected(expressions: Iterable[str]) -> set[tuple[str, str]]:
    """Return every figure that expressions ask for, with each label they ask of it."""
    asked = set()
    for expression in expressions:
        for name, matchers in _SELECTOR.findall(expression):
            asked |= {(name, label) for label in re.findall(r"(\w+)\s*[=!]~?", matchers)} | {(name, "")}
    return {(name, label) for name, label in asked if not {name, label} & _PROMETHEUS_OWN}


def _is_embedded(service: Service) -> bool:
    return "postgresql" not in (service.folder / "config.toml").read_text()


async def test_figures_exist(service: Service) -> None:
    """Whatever alerts and board ask for, a running service gives, with the labels asked for; of nodes if it is one."""
    async with aiohttp.ClientSession() as client:
        families = list(text_string_to_metric_families(await _figures(client, service)))
    samples = [sample for family in families for sample in family.samples]
    given = {(one.name, label) for one in samples for label in ("", *one.labels)}
    asked = _selected([*alerts().values(), *(expression for _, expression in panels())])
    assert {name for name, _ in asked} >= {"geoworks_store_up", "geoworks_request_seconds_bucket"}
    of_nodes = {(name, label) for name, label in asked if _OF_NODES.match(name)}
    assert len(of_nodes) >= 4
    assert asked - given == (of_nodes if _is_embedded(service) else set())
    assert _selected(["geoworks_nothing > 0"]) - given == {("geoworks_nothing", "")}


async def test_every_panel_shows_something(service: Service, tmp_path: Path) -> None:
    """A Prometheus that watches a service has a value for every expression of the board."""
    async with aiohttp.ClientSession() as client, scraping(tmp_path, service.base) as prometheus:
        for title, expression in panels():
            if _is_embedded(service) and _OF_NODES.search(expression):
                continue
            assert await until_found(client, prometheus, expression), title


def test_alerts_are_sound() -> None:
    """Prometheus takes the rules, and each alert has a case."""
    promtool = needed_program("promtool", package=PACKAGE)
    assert {name for name in alerts() if name not in _CASES.read_text()} == set()
    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_alerts_fire(tmp_path: Path) -> None:
    """Each alert fires when it should and not when it should not."""
    promtool = needed_program("promtool", package=PACKAGE)
    for path in (ALERTS, _CASES):
        shutil.copy(path, tmp_path)
    command = [promtool, "test", "rules", str(tmp_path / _CASES.name)]
    tested = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_board_is_whole() -> None:
    """No two panels lie on each other or have one number, and each asks the chosen Prometheus."""
    board = json.loads(BOARD.read_text())
    places = [panel["gridPos"] for panel in board["panels"]]
    squares = [(at["x"] + x, at["y"] + y) for at in places for x in range(at["w"]) for y in range(at["h"])]
    assert len(squares) == len(set(squares))
    assert max(x for x, _ in squares) == 23
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}


def test_guide_tells_what_to_do() -> None:
    """For each alert the guide has a row that says what to do."""
    told = set(re.findall(r"(?m)^\| `(Geoworks\w+)` \|", _GUIDE.read_text()))
    assert told == alerts().keys()
