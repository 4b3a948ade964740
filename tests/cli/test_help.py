"""The help of every command, and the document made of it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator

import click
import pytest

from geoworks import __version__
from geoworks.cli import main
from geoworks.cli.generated import cli_markdown
from geoworks.cli.help import Command
from tests.cli.terminal import GEOWORKS, WAIT_S, Terminal
from tests.shared import ROOT


def commands(group: click.Group = main, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with the words that call it."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from commands(found, *path, name)
        else:
            yield (*path, name), found


COMMANDS = dict(commands())


def test_commands() -> None:
    """Every command that the design names is there."""
    asked = ["init", "serve", "check", "inspect", "sync", "backup", "restore", "watch", "schema", "docs", "demo"]
    assert set(COMMANDS) == {
        *((name,) for name in asked),
        ("zones", "import"),
        ("map", "build"),
        ("key", "create"),
        ("report", "release"),
        ("store", "setup-sql"),
        ("store", "migrate"),
        ("store", "copy"),
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help(terminal: Terminal, path: tuple[str, ...]) -> None:
    """Every command says what it does, each option is explained, and examples stand each on a line of its own."""
    said = terminal.run(*path, "--help").out
    command = COMMANDS[path]
    assert isinstance(command, Command)
    assert command.examples
    for example in command.examples:
        assert f"\n  {example}\n" in said
    for option in command.params:
        assert isinstance(option, click.Argument) or (isinstance(option, click.Option) and option.help)
    assert "\\b" not in said
    assert terminal.run(*path, "-h").out == said


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_are_understood(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example is a call of its command that is well formed."""
    command = COMMANDS[path]
    assert isinstance(command, Command)
    for example in command.examples:
        words = shlex.split(example)
        given = words[words.index("geoworks") + 1 + len(path) :]
        kept = given[: next((place for place, word in enumerate(given) if word.startswith(">")), len(given))]
        for option in command.params:
            if isinstance(option.type, click.Path):
                monkeypatch.setattr(option.type, "exists", False)  # the files of examples are not here
        command.make_context("example", kept)
        assert words[words.index("geoworks") + 1 :][: len(path)] == list(path)


def test_first_look(terminal: Terminal) -> None:
    """Without a command the help is shown: what there is in whole sentences, the first steps, and the exit codes."""
    said = terminal.run("--help").out
    listed = said.partition("Commands:\n")[2].partition("\n\n")[0]
    assert "..." not in listed
    assert "\n  geoworks init                    write a commented config.toml\n" in said
    assert "Exit codes: 0 it is done" in said
    assert "Usage: geoworks" in terminal.fail(code=2)


def test_unknown_command(terminal: Terminal) -> None:
    """A command or an option that is none ends with code 2 and says where to look."""
    assert "No such command 'sevre'" in terminal.fail("sevre", code=2)
    assert "No such option '--port'" in terminal.fail("serve", "--port", "9", code=2)


def test_document_is_fresh() -> None:
    """The document of the commands says what the commands say; `make docs` writes it anew."""
    assert (ROOT / "docs" / "cli.md").read_text() == cli_markdown(main)


def test_documents_command(terminal: Terminal) -> None:
    """The command that makes the documents names those that are stale and ends with code 1, or finds them all fresh."""
    said = terminal.run("docs").out
    assert said == ""


def test_executable() -> None:
    """The installed program runs and tells its version, also where the terminal has few characters."""
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    asked = subprocess.run([GEOWORKS, "--version"], capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert asked.stdout == f"geoworks, version {__version__}\n"
    narrow = [GEOWORKS, "watch", "é"]
    told = subprocess.run(narrow, capture_output=True, text=True, timeout=WAIT_S, check=False, env=environment)
    assert told.returncode == 1
    assert "\\xe9" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(("name", "key"), [("openapi", "openapi"), ("asyncapi", "asyncapi")])
def test_schema(terminal: Terminal, name: str, key: str) -> None:
    """A contract is printed as JSON that tells its own kind and version."""
    printed = json.loads(terminal.run("schema", name).out)
    assert printed[key].startswith("3.")
    assert printed["info"]["version"] == __version__


def test_schema_unknown(terminal: Terminal) -> None:
    """A contract that is none is a wrong use, and those there are get named."""
    assert "'asyncapi', 'openapi'" in terminal.fail("schema", "wsdl", code=2)
