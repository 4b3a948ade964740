"""Servers that are no Python, as children on free ports in temporary folders, each alone on the server's core."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

import psutil

from tests.bench.contender import Contender, Run
from tests.bench.cores import SERVER_CORE, on_core
from tests.bench.fanout_changes import FRAME_BYTES, change, text
from tests.bench.listeners import WAIT_S, NatsClient, WebSocketClient, read_until

_CHANNEL = "town"
_NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_FLOOR = Path(__file__).with_name("floor.c")
_START_S = 10


class Missing(Exception):
    """A peer is not installed."""

    def __init__(self, peer: str, packages: str) -> None:
        """Say how to get it."""
        super().__init__(f"LEFT OUT: {peer} is not installed (on Debian: apt-get install {packages})")


@contextmanager
def nchan() -> Iterator[Contender]:
    """Run nginx with Nchan.

    Raises:
        Missing: it is not installed.

    """
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None or not _NCHAN_MODULE.exists():
        raise Missing("Nchan", "nginx libnginx-mod-nchan")
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        (Path(folder) / "nginx.conf").write_text(_nginx_conf(folder, port), encoding="utf-8")
        with _child([program, "-p", folder, "-c", f"{folder}/nginx.conf"]) as process:
            _wait_for(port)
            worker = _only_child(process.pid)
            with ExitStack() as stack:
                publisher = _NchanPublisher(worker.pid, port)
                stack.callback(publisher.close)
                yield publisher


def _only_child(pid: int) -> psutil.Process:
    """Return the process that another starts, which may take a moment longer than opening the port."""
    until = time.monotonic() + _START_S
    while not (children := psutil.Process(pid).children()):
        assert time.monotonic() < until, "nginx started no worker"
        time.sleep(0.01)
    return children[0]


class _NchanPublisher:
    """Publishes by HTTP, each change of a batch on a connection of its own."""

    client = WebSocketClient(path="/sub")

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port
        self._doors: list[HTTPConnection] = []

    def play(self, run: Run) -> Iterator[int]:
        """Publish the batches, with the run's pauses."""
        while len(self._doors) < run.together:
            self._doors.append(HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S))
        batches = [[text(change(number)) for number in batch] for batch in run.batches()]
        yield 0
        with ThreadPoolExecutor(1) as pool:
            publishing = pool.submit(self._publish, batches, run.pause_s)
            yield FRAME_BYTES * run.changes
            publishing.result()

    def _publish(self, batches: Iterable[Sequence[bytes]], pause_s: float) -> None:
        for batch in batches:
            for door, body in zip(self._doors, batch, strict=False):
                door.request("POST", "/pub", body=body)
            # It answers when it has sent to all, from where the others count their pause as well.
            for door in self._doors[: len(batch)]:
                door.getresponse().read()
            time.sleep(pause_s)

    def close(self) -> None:
        """Hang up."""
        for door in self._doors:
            door.close()


@contextmanager
def nats() -> Iterator[Contender]:
    """Run nats-server.

    Raises:
        Missing: it is not installed.

    """
    program = shutil.which("nats-server", path="/usr/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        raise Missing("nats-server", "nats-server")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nats.conf"
        # Pings would be counted for changes.
        config.write_text('listen: "127.0.0.1:-1"\nping_interval: "1h"\n', encoding="utf-8")
        with _child([program, "-c", str(config)], stderr=subprocess.PIPE) as process:
            port = _nats_port(process)
            with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as publisher:
                read_until(publisher, b"\r\n")
                publisher.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n')
                read_until(publisher, b"PONG\r\n")
                yield _NatsPublisher(process.pid, port, publisher)


class _NatsPublisher:
    """Publishes a batch by one write."""

    client = NatsClient(_CHANNEL)

    def __init__(self, pid: int, port: int, publisher: socket.socket) -> None:
        self.pid = pid
        self.port = port
        self._publisher = publisher

    def play(self, run: Run) -> Iterator[int]:
        """Publish the batches, each when the last has come to all, with the run's pauses."""
        yield 0
        for batch in run.batches():
            texts = [text(change(number)) for number in batch]
            self._publisher.sendall(b"".join(b"PUB %s %d\r\n%s\r\n" % (_CHANNEL.encode(), len(t), t) for t in texts))
            yield sum(len(b"MSG %s 1 %d\r\n%s\r\n" % (_CHANNEL.encode(), len(t), t)) for t in texts)
            time.sleep(run.pause_s)


@contextmanager
def floor(sockets: int) -> Iterator[Contender]:
    """Compile and run the loop of `send()` for so many sockets.

    Raises:
        Missing: there is no compiler.

    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Missing("a C compiler, for the floor,", "gcc libc6-dev")
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/floor"
        subprocess.run([compiler, "-O2", "-o", program, str(_FLOOR)], check=True, timeout=WAIT_S)
        pipe = subprocess.PIPE
        with _child([program, str(sockets)], stdin=pipe, stdout=pipe) as process:
            assert process.stdout is not None
            yield _Floor(process, int(process.stdout.readline()))


class _Floor:
    """Tells the loop what to send."""

    client = WebSocketClient()

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.pid = process.pid
        self.port = port
        self._process = process

    def play(self, run: Run) -> Iterator[int]:
        """Have all sent, with the run's pauses."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        yield 0
        order = f"{run.changes} {run.together} {int(run.pause_s * 1e6)} {FRAME_BYTES}\n"
        self._process.stdin.write(order.encode())
        self._process.stdin.flush()
        yield FRAME_BYTES * run.changes
        assert self._process.stdout.readline() == b"sent\n"


@contextmanager
def _child(
    command: Sequence[str],
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on the server's core until the block ends."""
    with on_core(SERVER_CORE):
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(WAIT_S)


def _nginx_conf(folder: str, port: int) -> str:
    """Return the configuration of one worker that keeps no log and pings nobody."""
    kept = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in kept)
    return f"""
        load_module {_NCHAN_MODULE};
        user root; daemon off; worker_processes 1; worker_rlimit_nofile 8192; pid {folder}/pid; error_log stderr error;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; keepalive_requests 1000000; {temporary}
            server {{
                listen 127.0.0.1:{port} backlog=4096; tcp_nodelay on;
                location = /sub {{ nchan_subscriber websocket; nchan_channel_id {_CHANNEL}; }}
                location = /pub {{
                    nchan_publisher; nchan_channel_id {_CHANNEL};
                    nchan_message_buffer_length 100; nchan_message_timeout 60s;
                }}
            }}
        }}
    """


def _nats_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(rb"client connections on 127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    message = "nats-server ended before it listened"
    raise ConnectionError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=_START_S).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
