"""A works as it is stored: what it says, without what holds anyway where nothing is said.

Most works say little, and what they do not say would be three quarters of a row. What is left out is the model's
default, so a default of the model that is to change must first be written into the rows that leave it out.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, structs

from geoworks.model.impact import Impact
from geoworks.model.schedule import Schedule
from geoworks.model.works import UNSAID_IMPACT, Works

# Told although it is the default: the clocks of a town are its own.
_TOLD = "time_zone"


def said(works: Works, *, shape: bytes | None = None) -> Struct:
    """Return a works as what is encoded without the defaults; its geometry is `shape`, null where a column has it."""
    fields = structs.asdict(works)
    fields["geometry"] = shape
    fields["schedule"] = _Schedule(*structs.astuple(works.schedule))
    if works.impact is not UNSAID_IMPACT:
        fields["impact"] = _Impact(*structs.astuple(works.impact))
    return _Works(**fields)


def _brief(kind: type[Struct], **config: Any) -> type[Struct]:  # noqa: ANN401 - what msgspec takes
    """Return a struct of the same fields that is encoded without those that are as by default."""
    fields = structs.fields(kind)
    return msgspec.defstruct(
        kind.__name__,
        [
            (field.name, Any, None if field.name == _TOLD else field.default)
            if field.default is not msgspec.NODEFAULT
            else (field.name, Any)
            for field in fields
        ],
        rename={field.name: field.encode_name for field in fields},
        omit_defaults=True,
        gc=False,
        **config,
    )


_Works = _brief(Works, tag="works", tag_field="kind", kw_only=True)
_Schedule = _brief(Schedule)
_Impact = _brief(Impact)
