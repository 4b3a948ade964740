"""Leave a test out aloud, where this machine lacks something it needs."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def left_out(reason: str) -> NoReturn:
    """Skip the test, or the whole module when called while it loads; the end of the run tells the reason.

    `reason` says what is missing and how to get it.
    """
    pytest.skip(reason, allow_module_level=True)


def needed_program(*names: str, package: str) -> str:
    """Return the path of the first of these programs found, or leave the test out.

    `package` is the Debian package that brings it.
    """
    # Servers lie where only root looks for programs.
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    for name in names:
        if path := shutil.which(name, path=places):
            return path
    left_out(f"{' or '.join(names)} is not installed (on Debian: apt-get install {package})")
