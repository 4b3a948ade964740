"""Bodies that intake is fed with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_NAMES = [
    "type",
    "geometry",
    "properties",
    "coordinates",
    "title",
    "schedule",
    "start",
    "windows",
    "days",
    "from",
    "impact",
]

# Any JSON there is, and more often JSON that resembles a feature.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["Feature", "Point", "2026-11-24T06:00:00Z", "mon", "21:00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def feature(**properties: object) -> dict[str, Any]:
    """Return the smallest feature there is, with more properties."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.3051, 48.6342]},
        "properties": {"title": "Gaz", "schedule": {"start": "2026-11-24T06:00:00Z"}, **properties},
    }


def scheduled(**schedule: object) -> dict[str, Any]:
    """Return the smallest feature with more in its schedule."""
    return feature(schedule={"start": "2026-11-24T06:00:00Z", **schedule})
