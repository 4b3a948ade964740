"""PostgreSQL with PostGIS as a child of the tests, in a folder that goes with it."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tests.left_out import left_out

T = TypeVar("T")
PACKAGE = "postgresql-postgis"
_SHARES, _PROGRAMS = Path("/usr/share/postgresql"), Path("/usr/lib/postgresql")
_START_S = 60
# The machine does not lose its power in a test; a killed server has given everything to the system.
_SETTINGS = {"listen_addresses": "", "fsync": "off", "max_connections": "60", "shared_buffers": "64MB"}


def find_programs() -> Path | None:
    """Return the folder of the programs of the newest PostgreSQL that has PostGIS, or None."""
    found = sorted(_SHARES.glob("*/extension/postgis.control"), key=lambda path: float(path.parts[-3]))
    return _PROGRAMS / found[-1].parts[-3] / "bin" if found else None


class Server:
    """A server whose only door is a socket in its folder; everybody there is let in."""

    def __init__(self, programs: Path, folder: Path, settings: Mapping[str, str]) -> None:
        """Stand ready for `start`."""
        self._programs = programs
        self._settings = settings
        # PostgreSQL refuses to be root.
        self._user = None if os.getuid() else pwd.getpwnam("nobody").pw_uid
        self._process: subprocess.Popen[bytes]
        self.folder = folder
        if self._user is not None:
            os.chown(folder, self._user, -1)

    @property
    def data(self) -> Path:
        """Return the folder of its data."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """Return the number of its first process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether its first process has not ended."""
        return self._process.poll() is None

    def dsn(self, database: str = "postgres", *, role: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def make(self) -> None:
        """Make its data, with its settings in a file there, so that a test may change them."""
        make = [f"{self._programs}/initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync"]
        self._run([*make, "--locale=C.UTF-8"])
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self._settings.items())

    def start(self) -> None:
        """Start it, and wait until it answers.

        After a crash the children of the process that was killed must be gone first; until then it ends at once.
        """
        command = [f"{self._programs}/postgres", "-D", str(self.data), f"--unix_socket_directories={self.folder}"]
        until = time.monotonic() + _START_S
        while True:
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(command, user=self._user, cwd=self.folder, stderr=log)
            if _alone(self._answers()):
                return
            if time.monotonic() > until:
                message = f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends the connections, SIGTERM waits for them, SIGKILL is a crash; wait for its end."""
        self._process.send_signal(how)
        self._process.wait(_START_S)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it and start it again."""
        self.stop(how)
        self.start()

    def put_back(self, kept: Path) -> None:
        """Put a copy in the place of its data, while it is stopped."""
        shutil.rmtree(self.data)
        shutil.copytree(kept, self.data)
        for path in (self.data, *self.data.rglob("*")):
            os.chown(path, -1 if self._user is None else self._user, -1)

    def dump(self, database: str) -> str:
        """Return a database as `pg_dump` writes it."""
        command = [f"{self._programs}/pg_dump", "-h", str(self.folder), "-U", "postgres", database]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_START_S).stdout

    def run_sql(self, script: str, *, database: str) -> None:
        """Run a script as `psql` does."""
        command = [f"{self._programs}/psql", "-h", str(self.folder), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-q"]
        subprocess.run([*command, "-d", database], input=script, text=True, check=True, timeout=_START_S)

    def close(self) -> None:
        """Stop it if it runs."""
        if self._process.poll() is None:
            self.stop()

    def _run(self, command: list[str]) -> None:
        subprocess.run(
            command, user=self._user, cwd=self.folder, check=True, timeout=_START_S, stdout=subprocess.DEVNULL
        )

    async def _answers(self) -> bool:
        """Wait until it answers; False when it has ended instead."""
        async with asyncio.timeout(_START_S):
            while self._process.poll() is None:
                try:
                    connection = await asyncpg.connect(self.dsn())
                except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                    await asyncio.sleep(0.05)
                else:
                    await connection.close()
                    return True
        return False


def _alone(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, also where one runs already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def running(settings: Mapping[str, str] = _SETTINGS, *, within: Path | None = None) -> Iterator[Server]:
    """Run a server until the block ends, in a new folder (`within` another); left out where there is no PostGIS."""
    programs = find_programs()
    if programs is None:
        left_out(f"PostgreSQL with PostGIS is not installed (on Debian: apt-get install {PACKAGE})")
    # A socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="geoworks-pg-", dir=within))
    server = Server(programs, folder, settings)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder)


class Databases:
    """Makes databases with PostGIS on a server, each from one that was made ready once."""

    def __init__(self, server: Server) -> None:
        """Make the first one ready."""
        self.server = server
        self._count = 0
        self.sql("CREATE DATABASE ready")
        # Not in `public`: nothing may depend on where PostGIS is.
        self.sql("CREATE SCHEMA elsewhere", "CREATE EXTENSION postgis SCHEMA elsewhere", database="ready")

    def new(self, template: str = "ready") -> str:
        """Make a database and return its name."""
        self._count += 1
        name = f"town_{self._count}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def sql(self, *statements: str, database: str = "postgres", role: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements one after the other and return the rows of the last."""
        return _alone(self._sql(statements, self.server.dsn(database, role=role)))

    async def _sql(self, statements: tuple[str, ...], dsn: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            rows: list[asyncpg.Record] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [tuple(row) for row in rows]
        finally:
            await connection.close()
