"""Lines and rings as arrays of steps: from each coordinate to the next."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from geoworks.geo.crs import metres_of_degrees
from geoworks.geo.types import Flags, Geometries, Lonlat, Numbers, Places

# Millionths of a degree.
Micro = NDArray[np.int64]

_PER_DEGREE = 1e6


class Vectors(NamedTuple):
    """Straight ways in millionths of a degree: from where, and how far east and north."""

    lon: Micro
    lat: Micro
    east: Micro
    north: Micro

    def at(self, places: Places) -> Vectors:
        """Return some of them."""
        return Vectors(self.lon[places], self.lat[places], self.east[places], self.north[places])


class Steps(NamedTuple):
    """Steps in millionths of a degree: those of one chain (a line or ring) in order, chains of one owner together.

    A place on them is a number: its floor is the step, its fraction the part of that step already gone.
    """

    lon: Micro
    lat: Micro
    east: Micro
    north: Micro
    chain: Places
    owner: Places

    @classmethod
    def of(cls, chains: Geometries, owners: Places) -> Self:
        """Take the steps of lines or rings; steps of no length are left out."""
        coordinates, chain = shapely.get_coordinates(chains, return_index=True)
        lon, lat = np.rint(coordinates.T * _PER_DEGREE).astype(np.int64)
        east, north = np.diff(lon), np.diff(lat)
        kept = np.flatnonzero((chain[1:] == chain[:-1]) & ((east != 0) | (north != 0)))
        chain = chain[kept]
        return cls(lon[kept], lat[kept], east[kept], north[kept], chain, owners[chain])

    def vectors(self, places: Places) -> Vectors:
        """Return some steps as they lie."""
        return Vectors(self.lon, self.lat, self.east, self.north).at(places)

    def lonlat(self, where: Numbers) -> Lonlat:
        """Return places on the steps in degrees."""
        step = where.astype(np.intp)
        part = where - step
        lon, lat = self.lon[step] + part * self.east[step], self.lat[step] + part * self.north[step]
        return Lonlat(np.column_stack((lon, lat)) / _PER_DEGREE)

    def metres(self, step: Places | slice, part: Numbers | float) -> Numbers:
        """Return the length of the first part (0 to 1) of some steps, in metres."""
        east, north = self.east[step] / _PER_DEGREE * part, self.north[step] / _PER_DEGREE * part
        metres: Numbers = np.hypot(*metres_of_degrees(east, north, self.lat[step] / _PER_DEGREE + north / 2))
        return metres


class Ruler(NamedTuple):
    """Measures the way along steps; `before` each step, and at the end of all."""

    steps: Steps
    before: Numbers

    @classmethod
    def of(cls, steps: Steps) -> Self:
        """Measure all the steps."""
        return cls(steps, np.concatenate(([0.0], np.cumsum(steps.metres(slice(None), 1.0)))))

    def metres(self, where: Numbers) -> Numbers:
        """Return the metres of all steps before places."""
        step = where.astype(np.intp)
        metres = self.before[step]
        within = np.flatnonzero(where > step)
        metres[within] += self.steps.metres(step[within], where[within] - step[within])
        return metres


class Chunks(NamedTuple):
    """Some steps of one chain that follow each other, and the box round them in millionths of a degree."""

    first: Places
    length: Places
    west: Micro
    south: Micro
    east: Micro
    north: Micro

    @classmethod
    def of(cls, steps: Steps, *, most: int) -> Self:
        """Cut all chains into chunks of at most so many steps."""
        begins = run_starts(steps.chain)
        place = np.arange(len(steps.chain)) - np.repeat(begins, np.diff(begins, append=len(steps.chain)))
        first = np.flatnonzero(place % most == 0)
        low = (np.minimum(at, at + step) for at, step in ((steps.lon, steps.east), (steps.lat, steps.north)))
        high = (np.maximum(at, at + step) for at, step in ((steps.lon, steps.east), (steps.lat, steps.north)))
        west, south = (np.minimum.reduceat(ordinate, first) for ordinate in low)
        east, north = (np.maximum.reduceat(ordinate, first) for ordinate in high)
        return cls(first, np.diff(first, append=len(place)), west, south, east, north)

    def diagonals(self) -> Geometries:
        """Return a line across each box, in degrees: all that a tree needs of it."""
        corners = np.stack((self.west, self.south, self.east, self.north), axis=1) / _PER_DEGREE
        return np.asarray(shapely.linestrings(corners.reshape(-1, 2, 2)))

    def steps(self, chunk: Places) -> tuple[Places, Places]:
        """Return the steps of some chunks, and for each the place in `chunk` it comes from."""
        return ranges(self.first[chunk], self.length[chunk])

    def near(self, chunk: Places, steps: Steps, step: Places) -> Flags:
        """Tell which steps touch the box of the chunk beside them."""
        lon, lat = steps.lon[step], steps.lat[step]
        east, north = lon + steps.east[step], lat + steps.north[step]
        beside = (np.maximum(lon, east) >= self.west[chunk]) & (np.minimum(lon, east) <= self.east[chunk])
        level = (np.maximum(lat, north) >= self.south[chunk]) & (np.minimum(lat, north) <= self.north[chunk])
        both: Flags = beside & level
        return both


def run_starts(values: Places) -> Places:
    """Return the places at which another value begins.

    >>> run_starts(np.array([4, 4, 7, 7, 7])).tolist()
    [0, 2]
    """
    return np.flatnonzero(np.diff(values, prepend=-1))


def ranges(first: Places, count: Places) -> tuple[Places, Places]:
    """Return first, first + 1, ... for each count, all in one row, and for each the place it comes from.

    >>> [row.tolist() for row in ranges(np.array([5, 9]), np.array([3, 1]))]
    [[5, 6, 7, 9], [0, 0, 0, 1]]
    """
    source = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return (first - before)[source] + np.arange(len(source)), source
