"""What every command has around it: the configuration option, and errors told in words with an exit code."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.markup import escape

from geoworks.config.loader import load_settings
from geoworks.config.settings import Settings
from geoworks.errors import GeoworksError, Invalid, Problem
from geoworks.web.turns import new_event_loop

FAILED = 1
PARTLY = 3
_INTERRUPTED = 130
DEFAULT_CONFIG = Path("config.toml")

P = ParamSpec("P")
T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GEOWORKS_CONFIG",
    help="Configuration file.  [default: config.toml where there is one]",
)


def command(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Run a command on an event loop; tell what it raises on purpose in words and end with exit code 1."""

    @wraps(call)
    @plain_command
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(call(*args, **kwargs))

    return run


def plain_command(call: Callable[P, T]) -> Callable[P, T]:
    """Run a command; tell what it raises on purpose in words and end with exit code 1."""

    @wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except GeoworksError as error:
            tell(error)
            sys.exit(FAILED)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)

    return run


def say(text: str) -> None:
    """Print a line of the answer on standard output."""
    out.print(harmless(text))


def remark(text: str) -> None:
    """Print a line beside the answer, on standard error."""
    err.print(harmless(text), style="dim")


def tell(error: GeoworksError) -> None:
    """Say an error on standard error, each fault with its mend below it."""
    if isinstance(error, Invalid):
        for problem in error.problems:
            where = f"{problem.where}: " if problem.where else ""
            err.print(f"[red]error[/] {harmless(where + problem.what)}")
            if problem.mend:
                remark(f"      {problem.mend}")
    else:
        err.print(f"[red]error[/] {harmless(str(error))}")


def harmless(text: str) -> str:
    """Return a text from outside so that a terminal shows it: nothing in it is markup or a control sequence."""
    return escape(
        "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
    )


def settings_of(config: Path | None) -> Settings:
    """Read the configuration that a command was given, else `config.toml` where there is one, else the defaults."""
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    return load_settings(config)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in words when what the block writes at a path cannot be written.

    Raises:
        Invalid: the system refused it.

    """
    try:
        yield
    except OSError as error:
        fault = f"cannot be written: {error.strerror or error}"
        raise Invalid(Problem(str(path), fault, "name a place with room where this user may write")) from error


def print_anything() -> None:
    """Have characters that the terminal's encoding lacks, or names that are no text, printed escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
