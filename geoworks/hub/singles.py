"""Questions about places that no column holds, such as what is around a driver: each is asked itself.

They come, go and move all the time, so little is kept of them: their boxes in a grid. A driver who moves is one
question that goes and one that comes, a few metres further on: so a box is kept a little larger than its place, and the
next question takes over the box of the one that went just before, while it holds its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from geoworks.geo.grid import BoxGrid
from geoworks.geo.types import Box
from geoworks.hub.ground import Ground
from geoworks.hub.question import Question

# So much of its size a box is larger on each side.
_LOOSE = 1 / 8


class Singles:
    """Questions by the boxes of their places; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._grid = BoxGrid()
        self._numbers = count()
        self._asked: dict[int, Question] = {}
        self._boxes: dict[Question, Sequence[tuple[int, Box]]] = {}
        # Still in the grid, but nobody's.
        self._left: tuple[int, Box] | None = None

    def __len__(self) -> int:
        """Return how many questions there are."""
        return len(self._boxes)

    def add(self, question: Question, place: Ground) -> None:
        """Take in a question that is not there yet."""
        boxes = [(west, south, east, north) for west, south, east, north in place.boxes.tolist()]
        kept = self._boxes[question] = self._take_over(boxes) or self._put(boxes)
        for number, _ in kept:
            self._asked[number] = question

    def discard(self, question: Question) -> None:
        """Drop a question, if it is there."""
        for number, box in self._boxes.pop(question, ()):
            del self._asked[number]
            self._forget_left()
            self._left = number, box
        if not self._boxes:
            # Nothing is kept of a driver when nobody is there any more.
            self._forget_left()

    def meeting(self, box: Box) -> list[Question]:
        """Return the questions one of whose boxes meets a box, each once, and few whose boxes only come near."""
        if not self._boxes:
            return []
        found = map(self._asked.get, self._grid.meeting(box).tolist())
        return list(dict.fromkeys(question for question in found if question is not None))

    def _take_over(self, boxes: Sequence[Box]) -> Sequence[tuple[int, Box]]:
        """Return the box that was left, if the only box lies in it; nothing is left then."""
        if self._left is None or len(boxes) != 1 or not _holds(self._left[1], boxes[0]):
            return ()
        taken, self._left = self._left, None
        return (taken,)

    def _put(self, boxes: Sequence[Box]) -> Sequence[tuple[int, Box]]:
        self._forget_left()
        kept = [(next(self._numbers), _loosened(box) if len(boxes) == 1 else box) for box in boxes]
        for number, box in kept:
            self._grid.add(number, box)
        return kept

    def _forget_left(self) -> None:
        if self._left is not None:
            self._grid.discard(*self._left)
            self._left = None


def _loosened(box: Box) -> Box:
    west, south, east, north = box
    more_east, more_north = (east - west) * _LOOSE, (north - south) * _LOOSE
    return west - more_east, south - more_north, east + more_east, north + more_north


def _holds(one: Box, other: Box) -> bool:
    return one[0] <= other[0] and one[1] <= other[1] and one[2] >= other[2] and one[3] >= other[3]
