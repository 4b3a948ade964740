"""Keeps the broker as the town is: reconciles whenever it connects, then tells each change."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence
from itertools import islice

import aiomqtt
from aiomqtt import MqttError

from geoworks.config.nodes import MqttTable
from geoworks.model.change import Cursor, Key
from geoworks.mqtt.address import read_address
from geoworks.mqtt.board import LARGEST_BODY_BYTES, Board, Message
from geoworks.mqtt.line import IN_FLIGHT, MOST_RETAINED, Line, connected, tls_context
from geoworks.mqtt.topics import every_topic
from geoworks.state import Published, State
from geoworks.tasks import Tasks, heed_cancelling

_AT_LEAST_ONCE = 1
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
# A broker sends all it retains in one go; when it has been silent for so long, that was all.
_QUIET_S = 0.5
_LONGEST_LEARNING_S = 60.0
# Features compared before others have the loop: about a millisecond.
_COMPARED = 100

_log = logging.getLogger(__name__)


class MqttPublisher:
    """Tells a broker what the public sees: `follow` notes what changed, `run` tells it."""

    def __init__(self, state: State, settings: MqttTable) -> None:
        """Tell of the town in `state`, to the broker of the settings.

        Raises:
            ConfigError: `mqtt.url` is no address of a broker.

        """
        self.trouble = ""
        self._address = read_address(settings.url)
        self._tls = tls_context() if self._address.secure else None
        self._settings = settings
        self._state = state
        self._board = Board(state, settings.topic)
        # The offset of the latest change of each feature, in the order of these offsets.
        self._dirty: dict[Key, int] = {}
        self._changed = asyncio.Event()
        self._following = False
        self._told_left_out = False

    @property
    def left_out(self) -> int:
        """Return how many features are too large to be told."""
        return self._board.left_out

    def follow(self, published: Sequence[Published]) -> None:
        """Note what changed (a desk follower); while there is no connection nothing is, for all will be compared."""
        if not self._following:
            return
        for item in published:
            key = item.change.key
            if self._board.concerns(key):
                # To the end: a vehicle that hears an offset has been sent all before it.
                self._dirty.pop(key, None)
                self._dirty[key] = item.change.offset
        self._changed.set()

    async def run(self) -> None:
        """Connect, reconcile, tell; and connect again whenever it breaks, until cancelled."""
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await self._keep_telling()
            except MqttError as error:
                if not self.trouble:
                    wait_s = _FIRST_WAIT_S
                self._lose(error)
            finally:
                self._following = False
                self._dirty.clear()
            heed_cancelling()
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret hangs on it
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _keep_telling(self) -> None:
        """Tell over one connection until it breaks.

        Raises:
            MqttError: it broke, or never was.

        """
        async with connected(self._address, self._tls, timeout_s=self._settings.timeout_s) as line:
            retained = await self._learn(line)
            heed_cancelling()
            try:
                async with Tasks() as group:
                    group.create_task(_watch(line))
                    group.create_task(self._tell(line, retained))
            except ExceptionGroup as several:
                # Not except*, which before Python 3.11.4 wraps what is raised in a group again.
                broken, others = several.split(MqttError)
                if broken is None or others is not None:
                    raise
                raise _first(broken) from None

    async def _learn(self, line: Line) -> dict[str, bytes]:
        """Return the mark of what the broker retains under each topic, as far as it tells in time."""
        everything = every_topic(self._settings.topic)
        retained: dict[str, bytes] = {}
        await line.subscribe(everything)
        is_whole = await _gather(line, retained)
        await line.unsubscribe(everything)
        # It answers in order: what it sent before, however late, is here now.
        while len(line.messages) and len(retained) < MOST_RETAINED:
            _note(await anext(line.messages), retained)
        if not is_whole:
            _log.warning("the MQTT broker does not come to an end with what it retains; old messages may stay there")
        return retained

    async def _tell(self, line: Line, retained: dict[str, bytes]) -> None:
        """Bring the broker to what the town is, then tell each change."""
        await self._reconcile(line, retained)
        self._find()
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._dirty:
                await self._send(line, self._latest())
            self._warn_of_left_out()

    async def _reconcile(self, line: Line, retained: dict[str, bytes]) -> None:
        """Clear what should not be there, then put what should; changes meanwhile wait in `_dirty`."""
        self._following = True
        cursor = self._state.cursor
        keys = self._board.begin()
        wrong: list[Key] = []
        for begin in range(0, len(keys), _COMPARED):
            wrong += self._board.compare(keys[begin : begin + _COMPARED], retained)
            await asyncio.sleep(0)
        await self._send(line, self._board.leftovers(retained))
        for begin in range(0, len(wrong), IN_FLIGHT):
            await self._send(line, self._messages((key, cursor) for key in wrong[begin : begin + IN_FLIGHT]))

    def _latest(self) -> list[Message]:
        """Take some of the features that changed, those first that have waited longest."""
        epoch = self._state.cursor.epoch
        keys = list(islice(self._dirty, IN_FLIGHT))
        return self._messages((key, Cursor(epoch, self._dirty.pop(key))) for key in keys)

    def _messages(self, due: Iterable[tuple[Key, Cursor]]) -> list[Message]:
        return [message for key, cursor in due for message in self._board.tell(key, cursor)]

    async def _send(self, line: Line, messages: Sequence[Message]) -> None:
        """Send messages in their order and wait until the broker has them."""
        for begin in range(0, len(messages), IN_FLIGHT):
            async with Tasks() as group:
                for topic, payload in messages[begin : begin + IN_FLIGHT]:
                    group.create_task(line.publish(topic, payload, qos=_AT_LEAST_ONCE, retain=True))

    def _lose(self, error: MqttError) -> None:
        trouble = (
            f"the MQTT broker {self._address.shown} is lost ({error}); start it or correct mqtt.url, and what changed "
            "meanwhile is told when it is back"
        )
        if not self.trouble:
            _log.warning("%s", trouble)
        self.trouble = trouble

    def _find(self) -> None:
        if self.trouble:
            _log.info("the MQTT broker %s is back, and holds what the town has now", self._address.shown)
        self.trouble = ""
        self._warn_of_left_out()

    def _warn_of_left_out(self) -> None:
        """Say once that features are too large, and how many; anew when there were none in between."""
        if self.left_out and not self._told_left_out:
            _log.warning(
                "%d features larger than %d bytes are not told over MQTT; simplify their geometry",
                self.left_out,
                LARGEST_BODY_BYTES,
            )
        self._told_left_out = self.left_out > 0


async def _watch(line: Line) -> None:
    """End with an error when the connection does; what still comes is of no use."""
    try:
        async for _ in line.messages:
            pass
    except MqttError as error:
        # The library says where it noticed, which helps nobody.
        raise MqttError("the connection was closed") from error


async def _gather(line: Line, retained: dict[str, bytes]) -> bool:
    """Take in what the broker retains until it has been silent for a moment; false when that does not end."""
    messages, until = line.messages, asyncio.get_running_loop().time() + _LONGEST_LEARNING_S
    while len(retained) < MOST_RETAINED and asyncio.get_running_loop().time() < until:
        try:
            async with asyncio.timeout(_QUIET_S):
                _note(await anext(messages), retained)
        except TimeoutError:
            return True
    return False


def _note(message: aiomqtt.Message, retained: dict[str, bytes]) -> None:
    if message.payload:
        retained[str(message.topic)] = message.payload
    else:
        retained.pop(str(message.topic), None)


def _first(broken: ExceptionGroup[MqttError]) -> MqttError:
    """Return the first error of a group, however deep it lies."""
    first = broken.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
