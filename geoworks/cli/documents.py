"""`geoworks schema` and `geoworks docs`: what is made from the code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from geoworks.cli.frame import FAILED, say
from geoworks.cli.generated import generated_documents, schemas
from geoworks.cli.help import Command

_ROOT = Path(__file__).parents[2]


@click.command(cls=Command, examples=("geoworks schema openapi > openapi.json", "geoworks schema asyncapi"))
@click.argument("name", type=click.Choice(sorted(schemas())))
def schema(name: str) -> None:
    """Print a machine-readable contract as JSON."""
    click.echo(json.dumps(schemas()[name], ensure_ascii=False, indent=2))


@click.command(cls=Command, examples=("geoworks docs", "geoworks docs --write"))
@click.option("--write", is_flag=True, help="Write those that are stale.")
@click.pass_context
def docs(context: click.Context, *, write: bool) -> None:
    """Check or write the documents that are made from the code."""
    commands = context.find_root().command
    documents = generated_documents(commands) if isinstance(commands, click.Group) else {}
    stale = {path: text for path, text in documents.items() if _read(_ROOT / path) != text}
    for path, text in stale.items():
        say(f"{'wrote' if write else 'stale'} {path}")
        if write:
            (_ROOT / path).write_text(text, encoding="utf-8")
    if stale and not write:
        raise SystemExit(FAILED)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
