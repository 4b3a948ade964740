"""The stream's door: WebSocket `/v1/stream`, sub-protocol `geoworks.v1`.

The handshake, pings and closing are aiohttp's. Frames of the hub are ready bytes and go straight to the connection's
transport; nothing ever waits for one client on behalf of another.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

from aiohttp import WSMessage, WSMsgType, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from geoworks.config.settings import Settings, Stream
from geoworks.errors import Invalid, Problem
from geoworks.hub.hub import Hub
from geoworks.hub.messages import PROTOCOL
from geoworks.hub.session import Session
from geoworks.pipeline.node import Node
from geoworks.tasks import Tasks
from geoworks.web.doorkeeper import DOORKEEPER, Doorkeeper, bound_buffers

_CLOSE_S = 5.0
# Of the files that may be open, beyond which a connection has one descriptor only.
_SHARE_OF_FILES = 0.7
_MOST_REASON = 123  # RFC 6455, section 5.5


def add_stream(app: web.Application, hub: Hub, settings: Settings, *, node: Node | None = None) -> None:
    """Serve the stream of a hub, one of many nodes' or the only one, at `/v1/stream`; drain it at the end."""
    app[DOORKEEPER] = Doorkeeper(hub, settings, node)
    door = StreamDoor(hub, app[DOORKEEPER], settings.stream)
    # Behind a proxy that strips the prefix requests come without it, behind others with it.
    for prefix in sorted({"", settings.server.base_path}):
        app.router.add_get(f"{prefix}/v1/stream", door.handle)

    async def drain(_: web.Application) -> None:
        await hub.drain(settings.server.drain_s)

    app.on_shutdown.append(drain)


class StreamDoor:
    """Converses with those let in, and hands their frames to the hub."""

    def __init__(self, hub: Hub, doorkeeper: Doorkeeper, settings: Stream) -> None:
        """Let in whom the doorkeeper does."""
        self._hub = hub
        self._doorkeeper = doorkeeper
        self._stream = settings

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Shake hands with one client, to converse with it until it leaves.

        Raises:
            GeoworksError: it is not let in.

        """
        self._check(request)
        await self._doorkeeper.come_current()
        # Twice the limit: a frame that is a little too large is told why before the close.
        ws = Conversation(2 * self._stream.frame_bytes)
        writer = await ws.prepare(request)
        # They are sent, and would be kept as long as the connection.
        ws.headers.clear()
        ws.hold(partial(self._converse, ws, writer, request))
        return ws

    async def _converse(self, ws: Conversation, writer: AbstractStreamWriter, request: web.Request) -> None:
        transport = request.transport
        if transport is None or transport.is_closing():
            return
        bound_buffers(transport, self._stream.high_water_bytes)
        address = self._doorkeeper.enter(request)
        try:
            async with Tasks() as tasks:
                outlet = SocketOutlet(ws, writer, transport=transport, tasks=tasks)
                session = self._hub.connect(outlet)
                try:
                    while _hand_on(await ws.receive(), session):
                        pass
                finally:
                    self._hub.disconnect(session)
                    outlet.stop()
        finally:
            self._doorkeeper.leave(address)

    def _check(self, request: web.Request) -> None:
        self._doorkeeper.check(request)
        self._doorkeeper.check_room(request)
        if not web.WebSocketResponse(protocols=(PROTOCOL,)).can_prepare(request):
            mend = "connect with a WebSocket client: ws://.../v1/stream; docs/stream.md tells how"
            raise Invalid(Problem("", "this address speaks WebSocket only", mend))
        offered = [name.strip() for name in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")]
        if any(offered) and PROTOCOL not in offered:
            raise Invalid(Problem("Sec-WebSocket-Protocol", f"{offered} is not spoken here", f"offer {PROTOCOL}"))


class Conversation(web.WebSocketResponse):
    """A WebSocket whose conversation is held once the door and all the layers around it have returned.

    Waiting for its end they would keep a frame each, and their locals: a quarter of a connection's memory.
    """

    __slots__ = ("_held",)

    def __init__(self, most_bytes: int) -> None:
        """Take frames of so many bytes at most."""
        super().__init__(
            protocols=(PROTOCOL,),
            # Nothing but the session writes to the transport: what it sends straight to the socket must not overtake.
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=most_bytes,
            timeout=_CLOSE_S,
        )
        self._held: Callable[[], Awaitable[None]] = _say_nothing

    def hold(self, conversation: Callable[[], Awaitable[None]]) -> None:
        """Have a conversation held before the end; nothing is awaited between this and its begin."""
        self._held = conversation

    async def write_eof(self) -> None:  # type: ignore[override]  # as aiohttp's own, which takes no data either
        """Hold the conversation, then close."""
        await self._take()()
        await super().write_eof()

    def _take(self) -> Callable[[], Awaitable[None]]:
        """Return the conversation and keep it no more, or nothing to say when there is none."""
        held, self._held = self._held, _say_nothing
        return held


class SocketOutlet:
    """The socket of a session: ready bytes go straight to the transport."""

    __slots__ = ("_socket", "_tasks", "_transport", "_work", "_ws", "descriptor", "drained", "unsent", "write")

    def __init__(
        self,
        ws: web.WebSocketResponse,
        writer: AbstractStreamWriter,
        *,
        transport: asyncio.Transport,
        tasks: Tasks,
    ) -> None:
        """Write to the transport of a prepared response; work runs in `tasks`."""
        self._socket = _own_socket(transport)
        self.descriptor = self._socket.fileno() if self._socket else None
        self.write = transport.write
        self.unsent = transport.get_write_buffer_size
        self._transport = transport
        self.drained = writer.drain
        self._ws = ws
        self._tasks = tasks
        self._work: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run work that ends with the connection at the latest."""
        task = self._tasks.create_task(work)
        self._work.append(task)
        task.add_done_callback(self._work.remove)

    def stop(self) -> None:
        """End the work that is left and let go of the socket; nobody writes to it any more.

        Only this closes its descriptor: sooner, its number could be another connection's when it is written to.
        """
        for task in self._work:
            task.cancel()
        if self._socket:
            self._socket.close()

    def abort(self) -> None:
        """Cut the connection at once."""
        # Its conversation ends by that, and `stop` closes the last descriptor.
        self._transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and wait a little for the client's; not longer, and not with anybody."""
        self._tasks.create_task(self._close(code, reason.encode()[:_MOST_REASON]))

    async def _close(self, code: int, reason: bytes) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._ws.close(code=code, message=reason)
        except TimeoutError:
            self.abort()


async def _say_nothing() -> None:
    pass


def _hand_on(message: WSMessage, session: Session) -> bool:
    """Hand a frame to the session; tell whether more may come."""
    if message.type is WSMsgType.TEXT:
        session.receive(message.data)
    elif message.type is WSMsgType.BINARY:
        session.receive_binary()
    elif message.type is WSMsgType.PING:
        session.receive_ping(message.data)
    elif message.type is WSMsgType.PONG:
        session.hear()
    else:
        return False
    return True


def _own_socket(transport: asyncio.Transport) -> socket.socket | None:
    """Return a descriptor of our own, or None when files run short: the last ones are for further connections.

    The transport's may be closed, and its number used anew, before we hear of it.
    """
    theirs = transport.get_extra_info("socket")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and theirs.fileno() > _SHARE_OF_FILES * soft:
        return None
    try:
        own: socket.socket = theirs.dup()
    except OSError:
        return None
    return own
