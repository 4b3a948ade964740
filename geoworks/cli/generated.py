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

_WIDTH = 100


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
    context = click.Context(commands, info_name="geoworks", terminal_width=_WIDTH, **commands.context_settings)
    lines = ["# Commands", "", "Made from the commands' help by `make docs`.", "", commands.epilog or ""]
    for one in _commands(context, commands):
        lines += ["", f"## `{one.command_path}`", "", "```text", one.get_help(), "```"]
    return "\n".join(lines) + "\n"


def _commands(parent: click.Context, group: click.Group) -> Iterator[click.Context]:
    """Yield a context for every command below a group, in the order in which they are listed."""
    for name, found in group.commands.items():
        context = click.Context(found, info_name=name, parent=parent)
        if isinstance(found, click.Group):
            yield from _commands(context, found)
        else:
            yield context
