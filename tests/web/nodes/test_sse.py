"""The tests of `tests/web/test_sse.py`, on three nodes."""

from tests.web.test_sse import *  # noqa: F403 - all of them, with the fixtures of this folder
