"""A NATS server as a child of the tests, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.left_out import needed_program

PACKAGE = "nats-server"
_START_S = 30
_SECURE = 'authorization { user: "town", password: "s3cret" }'


class NatsServer:
    """A server on a port of this machine that stays the same when it is started again.

    `secured` lets in nobody but `town` with the password `s3cret`; `more` is added to its configuration.
    """

    def __init__(
        self, program: str, folder: Path, *, jetstream: bool, mqtt: bool, secured: bool, more: str = ""
    ) -> None:
        """Stand ready for `start`."""
        self._program = program
        self._process: subprocess.Popen[bytes]
        self._environment = dict(os.environ)
        self.folder = folder
        self.port = _free_port()
        self.mqtt_port = _free_port() if mqtt else 0
        self._configuration = folder / "nats.conf"
        self._configuration.write_text(
            "\n".join(
                (
                    'server_name: "tests"',
                    f'listen: "127.0.0.1:{self.port}"',
                    f'jetstream {{ store_dir: "{folder}" }}' if jetstream else "",
                    f'mqtt {{ host: "127.0.0.1", port: {self.mqtt_port} }}' if mqtt else "",
                    _SECURE if secured else "",
                    more,
                )
            )
        )

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Return its address, without a password."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Return what it has said."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start it, and wait until it answers on all its ports."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self._configuration)], stderr=log, env=self._environment
            )
        until = time.monotonic() + _START_S
        while not all(_answers(port) for port in (self.port, self.mqtt_port) if port):
            if self._process.poll() is not None or time.monotonic() > until:
                message = f"the NATS server did not start: {self.log[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def be_as(self, delivered: Path, environment: Mapping[str, str]) -> None:
        """Take a configuration that is delivered, on the ports and in the folder of this one, with this environment."""
        text = delivered.read_text()
        changes = {
            '"0.0.0.0:4222"': f'"127.0.0.1:{self.port}"',
            '"0.0.0.0:1883"': f'"127.0.0.1:{self.mqtt_port}"',
            'http: "127.0.0.1:8222"': "",
            '"/data"': f'"{self.folder}"',
        }
        for theirs, ours in changes.items():
            assert theirs in text
            text = text.replace(theirs, ours)
        self._configuration.write_text(text)
        self._environment |= environment

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait for its end; SIGKILL is a crash."""
        self._process.send_signal(how)
        self._process.wait(_START_S)

    def kill(self) -> None:
        """Let it crash."""
        self.stop(signal.SIGKILL)

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and start it again, on the same ports and with what it stored."""
        self.stop(how)
        self.start()

    def pause(self) -> None:
        """Let it hang, and wait until it does: its connections stay open and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it if it runs, paused or not."""
        if self._process.poll() is None:
            self.kill()


@contextmanager
def running_nats(
    *,
    jetstream: bool = True,
    mqtt: bool = False,
    secured: bool = False,
    more: str = "",
    delivered: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[NatsServer]:
    """Run a server until the block ends; left out where it is not installed. MQTT needs JetStream.

    A configuration that is delivered takes the place of all else, with an environment for it.
    """
    program = needed_program("nats-server", package=PACKAGE)
    folder = Path(tempfile.mkdtemp(prefix="geoworks-nats-"))
    try:
        server = NatsServer(program, folder, jetstream=jetstream, mqtt=mqtt, secured=secured, more=more)
        if delivered is not None:
            server.be_as(delivered, environment or {})
        try:
            server.start()
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
