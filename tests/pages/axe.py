"""What axe-core, which knows the rules of accessibility, says of a page."""

from __future__ import annotations

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.left_out import left_out
from tests.pages.looking import Scheme
from tests.shared import ROOT

_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  return violations.map(({id, nodes}) => `${id}: ${nodes.map(({target, failureSummary}) => target + failureSummary)}`);
}"""


def violations(page: Page, scheme: Scheme) -> Any:  # noqa: ANN401 - a list of texts from the page
    """Return what axe complains of in a colour scheme."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    return page.evaluate(_RUN)


@cache
def axe() -> str:
    """Return the script of axe-core."""
    if not _AXE.is_file():
        left_out("axe-core is not installed (npm ci)")
    return _AXE.read_text(encoding="utf-8")
