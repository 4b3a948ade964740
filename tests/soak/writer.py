"""Writers: works are created, changed, moved, cancelled, or left to begin and end by the clock."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from tests.soak.ledger import Accepted, Ledger
from tests.soak.view import MIDDLE

_AGAIN_S = 0.25
_OK, _CREATED, _LATER, _UNKNOWN, _STALE, _FAILED = 200, 201, 202, 404, 412, 500
# A node that is behind is asked again for so long.
_BEHIND_S = 60.0
# Every writer has as many works, half of them cancelled or ended sooner or later.
_WORKS_EACH = 50
_WEST, _EAST = MIDDLE - 0.05, MIDDLE + 0.05


class Job(Struct):
    """A works as its writer knows it."""

    id: str
    version: int
    text: str


class Door:
    """The API, asked again for as long as no answer comes."""

    def __init__(self, client: aiohttp.ClientSession, ledger: Ledger) -> None:
        """Ask with a client that knows the address and has the key."""
        self._client = client
        self._ledger = ledger

    async def ask(self, method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - the options of aiohttp
        """Return the status and the body of the first answer that is below 500."""
        while True:
            try:
                async with self._client.request(method, path, **sent) as answer:
                    if answer.status < _FAILED:
                        self._ledger.later += answer.status == _LATER
                        return answer.status, msgspec.json.decode(await answer.read())
                    self._ledger.refused += 1
            except (aiohttp.ClientError, TimeoutError):
                self._ledger.unanswered += 1
            await asyncio.sleep(_AGAIN_S)


class Writer:
    """One writer, who alone writes its works: what it does to them comes one after the other."""

    def __init__(self, name: str, door: Door, *, ledger: Ledger, luck: random.Random) -> None:
        """Write through a door and note in a ledger what was accepted."""
        self._name = name
        self._door = door
        self._ledger = ledger
        self._luck = luck
        self._jobs: list[Job] = []
        self._texts = 0

    async def write(self, stop: asyncio.Event, *, every_s: float) -> None:
        """Write until told to stop, and finish what was begun."""
        while not stop.is_set():
            await self._act()
            try:
                async with asyncio.timeout(self._luck.random() * 2 * every_s):
                    await stop.wait()
            except TimeoutError:
                pass

    async def _act(self) -> None:
        chance = self._luck.random() * _WORKS_EACH
        if not self._jobs or chance > len(self._jobs) * 2:
            await self._create()
        elif chance < len(self._jobs) / 4:
            await self._cancel(self._jobs.pop(self._luck.randrange(len(self._jobs))))
        else:
            await self._change(self._luck.choice(self._jobs))

    async def _create(self) -> None:
        text = self._text()
        properties = {"title": f"Works {text}", "description": text, "schedule": self._schedule()}
        body = {"type": "Feature", "geometry": self._geometry(), "properties": properties}
        status, made = await self._door.ask("POST", "/v1/works", json=body, headers={"Idempotency-Key": text})
        if status not in {_CREATED, _LATER}:
            self._ledger.wrong.append(f"POST {text!r} was answered {status} {made}")
            return
        job = Job(made["id"], 1, text)
        self._note(job)
        self._jobs.append(job)

    async def _change(self, job: Job) -> None:
        text = self._text()
        patch: dict[str, Any] = {"description": text}
        if self._luck.random() < 0.3:
            patch["geometry"] = self._geometry()
        made = await self._write_over(job, "PATCH", text, json=patch)
        if made is None or made["properties"]["status"] == "completed":
            self._jobs.remove(job)

    async def _cancel(self, job: Job) -> None:
        await self._write_over(job, "DELETE", job.text)

    async def _write_over(self, job: Job, method: str, text: str, **sent: Any) -> dict[str, Any] | None:  # noqa: ANN401 - the options of aiohttp
        """Write the next version, once, however often it is sent; return it, None when the answer fits nothing."""
        status, made = await self._answered(job, method, sent)
        properties = made.get("properties", {})
        is_there = (properties.get("version"), properties.get("description")) == (job.version + 1, text)
        if status not in {_OK, _LATER} or not is_there:
            self._ledger.wrong.append(f"{method} {text!r} of {job} was answered {status} {made}")
            return None
        job.version, job.text = job.version + 1, text
        self._note(job, cancels=method == "DELETE")
        return made

    async def _answered(self, job: Job, method: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send until a node answers that knows the version that is written over."""
        path, seen = f"/v1/works/{job.id}", {"If-Match": f'"{job.version}"'}
        loop = asyncio.get_running_loop()
        until = loop.time() + _BEHIND_S
        while True:
            status, made = await self._door.ask(method, path, headers=seen, **sent)
            if status == _STALE:
                # It was carried out before, and the answer did not come: nobody else writes it.
                status, made = await self._door.ask("GET", path)
            is_behind = status == _UNKNOWN or made.get("properties", {}).get("version", 0) <= job.version
            if not is_behind or loop.time() > until:
                return status, made
            self._ledger.behind += 1
            await asyncio.sleep(_AGAIN_S)

    def _note(self, job: Job, *, cancels: bool = False) -> None:
        now = asyncio.get_running_loop().time()
        self._ledger.accepted.append(Accepted(job.id, job.version, job.text, cancels, now))

    def _text(self) -> str:
        self._texts += 1
        return f"{self._name} {self._texts}"

    def _geometry(self) -> dict[str, Any]:
        lon = self._luck.choice([_WEST, _EAST]) + self._luck.random() / 100
        lat = 48.63 + self._luck.random() / 100
        line = [[round(lon, 6), round(lat, 6)], [round(lon + 0.001, 6), round(lat + 0.0005, 6)]]
        return {"type": "LineString", "coordinates": line}

    def _schedule(self) -> dict[str, str]:
        """Begin long ago or in some seconds; end by cancelling only, or some seconds later."""
        start = datetime.now(UTC) + timedelta(seconds=self._luck.choice([-86_400, 2, 5]))
        schedule = {"start": start.isoformat()}
        if self._luck.random() < 0.5:
            end = datetime.now(UTC) + timedelta(seconds=self._luck.randrange(6, 30))
            schedule["end"] = end.isoformat()
        return schedule
