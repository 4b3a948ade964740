"""Every document that is made from the code, by its path in a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from geoworks import __version__
from geoworks.config.document import config_toml, settings_markdown
from geoworks.hub.describe import asyncapi, stream_markdown
from geoworks.web.documents import api_markdown, errors_markdown
from geoworks.web.openapi import describe
from geoworks.web.server import DOORS


def generated_documents(commands: click.Group) -> dict[str, str]:
    """Return the text of every generated document by its path; `commands` is the whole command line."""
    return {
        "config.toml": config_toml(),
        "docs/settings.md": settings_markdown(),
        "docs/stream.md": stream_markdown(),
        "docs/api.md": api_markdown(DOORS),
        "docs/errors.md": errors_markdown(),
        "docs/cli.md": cli_markdown(commands),
    }


def schemas() -> dict[str, Any]:
    """Return the machine-readable contracts by their names."""
    return {"openapi": describe(DOORS), "asyncapi": asyncapi(__version__)}


def cli_markdown(commands: click.Group) -> str:
    """Write `docs/cli.md` from the commands' own help."""
    lines = ["# Commands", "", "Made from the commands' help by `make docs`.", "", commands.epilog or ""]
    for path, found in _commands(commands, "geoworks"):
        context = click.Context(found, info_name=path, max_content_width=100, terminal_width=100)
        lines += ["", f"## `{path}`", "", "```text", found.get_help(context), "```"]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from _commands(found, f"{path} {name}")
        else:
            yield f"{path} {name}", found
