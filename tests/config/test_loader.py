"""Settings: every fault is named with its table, key, value and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoworks.config.document import all_settings, config_toml, settings_markdown
from geoworks.config.loader import load_settings
from geoworks.config.settings import Settings
from geoworks.errors import ConfigError, Problem

ROOT = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str, environment: dict[str, str] | None = None) -> dict[str, Problem]:
    """Return the faults of a configuration by where they are."""
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text), environment or {})
    return {problem.where: problem for problem in caught.value.problems}


def test_everything_has_a_default() -> None:
    """Without a file every setting has its default."""
    assert load_settings(None, {}) == Settings()


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt key is told with its value and the key that was meant."""
    problem = faults(tmp_path, "[server]\nprot = 9000")["server.prot"]
    assert "9000" in problem.what
    assert problem.mend == "did you mean port?"


def test_an_unknown_table_lists_the_known(tmp_path: Path) -> None:
    """A table that does not exist is told with those that do."""
    assert "server" in faults(tmp_path, "[weather]")["weather"].mend


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Faults in several tables come in one error."""
    text = '[server]\nport = 99999\n[town]\nname = 3\n[sources.ok]\nurl = "x"\nmapping = {fields = {title = 3}}'
    assert set(faults(tmp_path, text)) == {"server.port", "town.name", "sources.ok.mapping.fields"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[town]\ntime_zone = "Europe/Pariss"', "town.time_zone"),
        ("[levels]\nlight = 5.0\ndisturbed = 4.0", "levels"),
        ("[clock]\nstart = 2018-06-15T10:00:00", "clock.start"),
        ('[sources.Voirie]\nurl = "x"', "source"),
        ('[sources.voirie]\nlayer = "x"', "sources.voirie.url"),
        ("server = 3", "[server]"),
        ('[sources.v]\nurl = "x"\nmapping = {time_zone = "Mars/Olympus"}', "sources.v.mapping.time_zone"),
    ],
)
def test_a_wrong_value_is_told_where_it_stands(tmp_path: Path, text: str, where: str) -> None:
    """What a type cannot say is checked too, and told with a mend."""
    assert faults(tmp_path, text)[where].mend


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """GEOWORKS_<TABLE>_<KEY> wins, as a TOML value or as plain text."""
    path = write(tmp_path, '[server]\nport = 1\nhost = "10.0.0.1"')
    environment = {"GEOWORKS_SERVER_PORT": "0", "GEOWORKS_SERVER_HOST": "0.0.0.0", "HOME": "x"}  # noqa: S104 - the container's way
    server = load_settings(path, environment).server
    assert (server.port, server.host) == (0, "0.0.0.0")  # noqa: S104 - the container's way


def test_an_environment_name_that_sets_nothing_is_told(tmp_path: Path) -> None:
    """A misspelt variable is an error, not silence."""
    assert "GEOWORKS_SERVER_PROT" in faults(tmp_path, "", {"GEOWORKS_SERVER_PROT": "1"})


@pytest.mark.parametrize("content", [b"[server", b"\xff\xfe", b"x = 1\n" * 200_000])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    """Broken, binary and huge files are refused by name."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load_settings(path, {})


def test_an_absent_file_says_how_to_make_one(tmp_path: Path) -> None:
    """The error of an absent file names the command that writes one."""
    with pytest.raises(ConfigError, match="geoworks init"):
        load_settings(tmp_path / "none.toml", {})


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """Relative paths belong to the configuration file, URLs stay."""
    text = '[data]\ndir = "d"\n[sources.a]\nurl = "a.gpkg"\n[sources.b]\nurl = "https://sig.example.org/b"'
    settings = load_settings(write(tmp_path, text), {})
    assert settings.data.dir == str(tmp_path / "d")
    assert settings.sources["a"].url == str(tmp_path / "a.gpkg")
    assert settings.sources["b"].url == "https://sig.example.org/b"


def test_the_written_file_loads_to_the_defaults(tmp_path: Path) -> None:
    """`geoworks init` writes what the defaults are."""
    settings = load_settings(write(tmp_path, config_toml()), {})
    assert settings.town == Settings().town
    assert settings.reports == Settings().reports


def test_every_setting_is_described() -> None:
    """No setting without its meaning."""
    assert [setting.key for setting in all_settings() if not setting.description] == []


def test_the_documents_are_fresh() -> None:
    """`config.toml` and `docs/settings.md` say what the code says; `make docs` writes them anew."""
    assert (ROOT / "config.toml").read_text(encoding="utf-8") == config_toml()
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_markdown()
