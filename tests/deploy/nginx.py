"""nginx with the project's configuration, as a child of the test, on free ports of this machine."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from tests.left_out import needed_program
from tests.shared import ROOT

SITE = ROOT / "deploy" / "nginx.conf"
_WAIT_S = 30
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Proxy:
    """A running nginx: its address, that without TLS, and what makes its certificate believed."""

    base: URL
    plain: URL
    trust: ssl.SSLContext


@asynccontextmanager
async def proxying(folder: Path, *services: URL, edit: Callable[[str], str] = str) -> AsyncIterator[Proxy]:
    """Run nginx before services until the block ends; `edit` changes the configuration as its users may."""
    command, secure, plain = _prepare(folder, services, edit)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await _listens(process, secure)
        trust = ssl.create_default_context(cafile=folder / "fullchain.pem")
        yield Proxy(URL(f"https://127.0.0.1:{secure}/"), URL(f"http://127.0.0.1:{plain}/"), trust)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _prepare(folder: Path, services: Sequence[URL], edit: Callable[[str], str]) -> tuple[list[str], int, int]:
    """Write everything nginx needs and have it look that over; return how to start it and its ports."""
    program = needed_program("nginx", package="nginx")
    folder.mkdir()
    secure, plain = free_port(), free_port()
    _make_certificate(folder)
    main = _write(folder, edit(_fit(SITE.read_text(), folder, services, secure=secure, plain=plain)))
    command = [program, "-p", str(folder), "-c", str(main)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=_WAIT_S)
    assert (tested.returncode, re.findall(r"\[(?:warn|emerg)\].*", tested.stderr)) == (0, []), tested.stderr
    return command, secure, plain


def _fit(site: str, folder: Path, services: Sequence[URL], *, secure: int, plain: int) -> str:
    """Return the site with this machine's ports and files; everything else stands as it is delivered."""
    site = re.sub(r"(?m)^ *listen \[::\]:.*\n", "", site)
    changes = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ": f"listen 127.0.0.1:{secure} ",
        "server 127.0.0.1:8080;": " ".join(f"server 127.0.0.1:{service.port};" for service in services),
        "/etc/nginx/tls/": f"{folder}/",
    }
    for delivered, here in changes.items():
        assert delivered in site
        site = site.replace(delivered, here)
    return site


def _write(folder: Path, site: str) -> Path:
    """Write the site and what Debian's nginx.conf would be around it; return the latter."""
    (folder / "site.conf").write_text(site)
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in _TEMPORARY)
    # The folder of a test is its owner's alone, so root's workers stay root.
    user = "user root;\n" if os.getuid() == 0 else ""
    main = folder / "main.conf"
    main.write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nworker_processes 1;\n"
        f"events {{ worker_connections 2048; }}\nhttp {{\n{temporary}include {folder}/site.conf;\n}}\n"
    )
    return main


def _make_certificate(folder: Path) -> None:
    """Make a certificate that names this machine, signed by itself."""
    openssl = needed_program("openssl", package="openssl")
    names = "subjectAltName=IP:127.0.0.1,DNS:travaux.example.org"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    whose = ["-subj", "/CN=travaux.example.org", "-addext", names, "-days", "2"]
    subprocess.run([openssl, "req", "-x509", *key, *files, *whose], capture_output=True, check=True, timeout=_WAIT_S)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(process: Process, port: int) -> None:
    """Wait until a port takes connections."""
    async with asyncio.timeout(_WAIT_S):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    message = f"nginx ended with {process.returncode}"
    raise RuntimeError(message)
