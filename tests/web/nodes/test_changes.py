"""The tests of `tests/web/test_changes.py`, on three nodes."""

from tests.web.test_changes import *  # noqa: F403 - all of them, with the fixtures of this folder
