"""The tests of `tests/web/test_stream.py`, on three nodes."""

from tests.web.test_stream import *  # noqa: F403 - all of them, with the fixtures of this folder
