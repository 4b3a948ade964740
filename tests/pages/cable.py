"""The wire between a page and the stream, in the tests' hands."""

from __future__ import annotations

from playwright.sync_api import WebSocketRoute


class Cable:
    """The wire between a page and the stream, to cut and mend."""

    def __init__(self) -> None:
        """Begin whole; `plugged` counts the connections let through."""
        self._whole = True
        self._open: list[WebSocketRoute] = []
        self.plugged = 0

    def plug(self, socket: WebSocketRoute) -> None:
        """Let a connection through, or not."""
        if not self._whole:
            socket.close()
            return
        socket.connect_to_server()
        self._open.append(socket)
        self.plugged += 1

    def cut(self) -> None:
        """Break what is open and let nothing through."""
        self._whole = False
        for socket in self._open:
            socket.close()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True
