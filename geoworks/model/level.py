"""How disturbed a zone is, from the works that are active inside."""

from __future__ import annotations

import math
from collections.abc import Iterable

from geoworks.config.settings import Levels
from geoworks.model.severity import Severity
from geoworks.model.zone import Level, ZoneDerived

WEIGHTS = {Severity.NONE: 0, Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 4, Severity.BLOCKED: 8}
_LEAST_SHARE = 0.1
_MOST_CAUSES = 10


def zone_level(weights: Iterable[tuple[str, Severity, float]], levels: Levels) -> ZoneDerived:
    """Return the level that active works (id, severity, share of it inside) give a zone, with its causes.

    The rule stands in `geoworks.config.settings.Levels`. The causes are the works that hinder at all, those that weigh
    most first, at most 10; a free zone has none.
    """
    weighed = [(WEIGHTS[severity] * min(1.0, max(_LEAST_SHARE, share)), id_) for id_, severity, share in weights]
    # An exact sum does not depend on the order, so the same works always give the same level.
    level = _level(math.fsum(weight for weight, _ in weighed), levels)
    if level is Level.FREE:
        return ZoneDerived()
    worst = sorted((-weight, id_) for weight, id_ in weighed if weight > 0)
    return ZoneDerived(level, tuple(id_ for _, id_ in worst[:_MOST_CAUSES]))


def _level(total: float, levels: Levels) -> Level:
    thresholds = {
        Level.BLOCKED: levels.blocked,
        Level.HEAVY: levels.heavy,
        Level.DISTURBED: levels.disturbed,
        Level.LIGHT: levels.light,
    }
    return next((level for level, least in thresholds.items() if total >= least), Level.FREE)
