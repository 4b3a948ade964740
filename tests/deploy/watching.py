"""What watches the service: the delivered alerts and board, and a Prometheus that is a child of the test."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from yarl import URL

from tests.left_out import needed_program
from tests.shared import ROOT

ALERTS, BOARD = ROOT / "deploy" / "alerts.yml", ROOT / "deploy" / "grafana.json"
PACKAGE = "prometheus"
_WAIT_S = 60
# What Grafana puts in the place of its variables, for one service scraped without a pause.
_VARIABLES = {"$instance": ".*", "$__rate_interval": "1m"}


def alerts() -> dict[str, str]:
    """Return the expression of each alert by its name."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels() -> Iterator[tuple[str, str]]:
    """Yield the title of a panel with an expression of it, as Prometheus is asked."""
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in _VARIABLES.items():
                expression = expression.replace(variable, value)
            yield panel["title"], expression


@asynccontextmanager
async def scraping(folder: Path, service: URL) -> AsyncIterator[URL]:
    """Run a Prometheus that reads the figures of a service all the time; yield its address."""
    program = needed_program("prometheus", package=PACKAGE)
    job = {"job_name": "geoworks", "static_configs": [{"targets": [f"{service.host}:{service.port}"]}]}
    settings = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [job]}
    config, port = folder / "prometheus.yml", _free_port()
    config.write_text(yaml.safe_dump(settings))
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", "--log.level=error")
    process = await asyncio.create_subprocess_exec(program, *options, f"--web.listen-address=127.0.0.1:{port}")
    try:
        yield URL(f"http://127.0.0.1:{port}/")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until_found(client: aiohttp.ClientSession, prometheus: URL, expression: str) -> list[dict[str, Any]]:
    """Ask until an expression has a value; return its series.

    Raises:
        TimeoutError: it has none.

    """
    address = prometheus.join(URL("/api/v1/query"))
    async with asyncio.timeout(_WAIT_S):
        while True:
            if found := await _ask(client, address, expression):
                return found
            await asyncio.sleep(0.2)


async def _ask(client: aiohttp.ClientSession, address: URL, expression: str) -> list[dict[str, Any]]:
    """Return the series of an expression as of now; none as long as the server starts."""
    try:
        async with client.get(address, params={"query": expression}) as answer:
            told = await answer.json() if answer.content_type == "application/json" else {}
    except aiohttp.ClientConnectionError:
        return []
    assert told.get("status") != "error", told
    found: list[dict[str, Any]] = told.get("data", {}).get("result", [])
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
