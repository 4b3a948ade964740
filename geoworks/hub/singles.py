"""Questions about places that no column holds, such as what is around a driver: each is asked itself.

They come, go and move all the time, so little is kept of them: their boxes in a grid.
"""

from __future__ import annotations

from itertools import count

from geoworks.geo.grid import BoxGrid
from geoworks.geo.types import Box
from geoworks.hub.ground import Ground
from geoworks.hub.question import Question


class Singles:
    """Questions by the boxes of their places; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._grid = BoxGrid()
        self._numbers = count()
        self._asked: dict[int, Question] = {}
        self._boxes: dict[Question, list[tuple[int, Box]]] = {}

    def __len__(self) -> int:
        """Return how many questions there are."""
        return len(self._boxes)

    def add(self, question: Question, place: Ground) -> None:
        """Take in a question that is not there yet."""
        boxes = [(next(self._numbers), (west, south, east, north)) for west, south, east, north in place.boxes.tolist()]
        for number, box in boxes:
            self._asked[number] = question
            self._grid.add(number, box)
        self._boxes[question] = boxes

    def discard(self, question: Question) -> None:
        """Drop a question, if it is there."""
        for number, box in self._boxes.pop(question, ()):
            del self._asked[number]
            self._grid.discard(number, box)

    def meeting(self, box: Box) -> list[Question]:
        """Return the questions one of whose boxes meets a box, each once."""
        if not self._boxes:
            return []
        return list(dict.fromkeys(self._asked[number] for number in self._grid.meeting(box).tolist()))
