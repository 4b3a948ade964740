"""Disks with a fault: too small, or read-only; made by the kernel, not pretended."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.left_out import left_out, needed_program


@contextmanager
def small_disk(folder: Path, *, size_kib: int) -> Iterator[Path]:
    """Mount a small disk on a new folder; left out where mounting is not permitted."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs"):
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take away the right to write in a folder, also from root, for whom modes mean nothing."""
    if os.geteuid():
        mode = folder.stat().st_mode
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(mode)
    else:
        with _mounted(folder, "-o", "bind,ro", str(folder)):
            yield


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Fill the disk of a folder to the last byte, and make room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            _fill(file.fileno(), size)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def growth_forbidden(file: Path) -> Iterator[None]:
    """Let no file of this process grow beyond what one has now, as a quota would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _fill(handle: int, size: int) -> None:
    try:
        while True:
            os.write(handle, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    command = [needed_program("mount", package="mount"), *options, str(folder)]
    if subprocess.run(command, check=False, capture_output=True, timeout=30).returncode:
        left_out("mounting a disk is not permitted here (run the tests as root, in a container with SYS_ADMIN)")
    try:
        yield
    finally:
        # Lazy: a store that a failed test left open must not keep the disk mounted.
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)
