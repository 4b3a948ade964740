"""Groups of tasks whose failure leaves the task they belong to as it was, and cancelling that is always heard."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType

if sys.version_info >= (3, 13):
    Tasks = asyncio.TaskGroup
else:

    class Tasks(asyncio.TaskGroup):
        """A group of tasks as Python has it from 3.13 on.

        Before, a group that failed while its block waited for the end left its own cancelling of the parent behind,
        which makes later timeouts of the parent cancel it for good (before 3.11.3); and who cancelled the parent in
        that moment was not heard: a service told to stop went on. The library's own group is mended in 3.13
        (https://docs.python.org/3/library/asyncio-task.html#task-groups, "Changed in version 3.13").
        """

        # The library's own, in all releases before.
        _parent_task: asyncio.Task[object]
        _parent_cancel_requested: bool

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Wait for the tasks.

            Raises:
                ExceptionGroup: some failed; the parent is cancelled all the same if somebody asked for it meanwhile.

            """
            parent, was_cancelled = self._parent_task, self._parent_cancel_requested
            try:
                await super().__aexit__(kind, error, trace)
            except BaseExceptionGroup:
                if self._parent_cancel_requested and not was_cancelled:
                    parent.uncancel()
                if parent.cancelling():
                    # Said again, for the group's errors took its place.
                    parent.uncancel()
                    parent.cancel()
                raise


def heed_cancelling() -> None:
    """End this task if somebody asked for it and was not heard.

    `asyncio.wait_for` before Python 3.12 forgets that it was cancelled when what it waits for ends in that moment, so
    after a library that uses it this is asked before something that may last.

    Raises:
        asyncio.CancelledError: this task is to end.

    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
