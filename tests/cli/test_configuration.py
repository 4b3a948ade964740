"""`geoworks init` and `geoworks check`."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.terminal import SOURCE, Terminal, serving, travaux
from tests.nats_server import running_nats
from tests.store.disks import read_only


def test_init_then_check(terminal: Terminal) -> None:
    """The file that is written is a good configuration, and the next step is told."""
    assert "run: geoworks check --config config.toml" in terminal.run("init").out
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    said = terminal.run("check", environment={"GEOWORKS_SERVER_PORT": port}).out
    assert said == "the configuration is good: Ma ville, 0 sources, and its address is free\n"


def test_init_spares_what_is_there(terminal: Terminal) -> None:
    """A file that is there is not written over, unless that is asked for."""
    path = terminal.write("config.toml", "precious")
    assert terminal.fail("init") == (
        "error config.toml: is there already\n      give another path, or --force to write over it\n"
    )
    assert path.read_text() == "precious"
    terminal.run("init", "--force")
    assert "[town]" in path.read_text()


def test_init_in_a_place_that_is_none(terminal: Terminal) -> None:
    """A place that cannot be written is told with a way out."""
    assert "error nowhere/config.toml: cannot be written: No such file" in terminal.fail("init", "nowhere/config.toml")
    terminal.write("file", "")
    assert "cannot be written: Not a directory" in terminal.fail("init", "file/config.toml")
    assert "is a directory" in terminal.fail("init", str(terminal.folder), code=2)


def test_check_names_every_fault(terminal: Terminal) -> None:
    """Every fault is told in one go: its table, key and value, and how to mend it."""
    terminal.write("config.toml", '[town]\nname = 3\ntime_zone = "Europe/Pari"\n[server]\nprot = 80\nport = 99999\n')
    told = terminal.fail("check")
    assert "error town.name: is 3: Expected str, got int\n      the default is 'Ma ville'\n" in told
    assert "error server.prot: is no setting (its value is 80)\n      did you mean port?\n" in told
    assert "error server.port: is 99999: Expected int <= 65535\n      the default is 8080\n" in told


def test_check_of_values(terminal: Terminal) -> None:
    """What types cannot say is told as well."""
    terminal.write("config.toml", '[town]\ntime_zone = "Europe/Pari"\n')
    told = "error town.time_zone: 'Europe/Pari' is no time zone\n      did you mean Europe/Paris?\n"
    assert terminal.fail("check") == told


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("[node]", 'role = "gateway"'), "error node.role: is gateway and the embedded store serves one process"),
        (("[node]", 'role = "worker"'), "error node.role: is worker and the embedded store serves one process"),
        (("[bus]", 'kind = "nats"'), "error bus.kind: is nats and the embedded store serves one process"),
    ],
)
def test_nodes_need_postgresql(terminal: Terminal, command: str, lines: Sequence[str], told: str) -> None:
    """What is for a town of many nodes is refused with the store that serves one process, by `serve` too."""
    terminal.configure(*lines)
    said = terminal.fail(command)
    assert told in said
    assert 'store.engine = "postgresql"' in said


@pytest.mark.parametrize("name", ["absent.toml", "page.toml", "binary.toml", "latin.toml"])
def test_check_of_a_wrong_file(terminal: Terminal, name: str) -> None:
    """A file that is absent, a web page, no text or in another encoding is told by its name, with a way out."""
    terminal.write("page.toml", "<html><body>404</body></html>")
    (terminal.folder / "binary.toml").write_bytes(bytes(range(256)))
    (terminal.folder / "latin.toml").write_bytes('[town]\nname = "Évry"\n'.encode("latin-1"))
    told = terminal.fail("check", "--config", name)
    assert told.startswith(f"error {name}: ")
    assert told.count("\n      ") == 1


def test_check_of_files(terminal: Terminal) -> None:
    """Files that the settings name are looked for, from the configuration's folder."""
    terminal.configure("[zones]", 'file = "quartiers.gpkg"', *SOURCE)
    told = terminal.fail("check")
    assert "error sources.voirie.url: 'travaux.geojson' does not exist or cannot be read" in told
    assert "error zones.file: 'quartiers.gpkg' does not exist or cannot be read" in told
    terminal.write("travaux.geojson", travaux({"1": "Rue de Montlhéry"}))
    assert "sources.voirie" not in terminal.fail("check")


def test_check_of_a_file_that_is_too_large(terminal: Terminal) -> None:
    """What no synchronisation would read is told here, with the setting to raise."""
    size = len(travaux({"1": "Rue de Montlhéry"}).encode())
    terminal.write("travaux.geojson", travaux({"1": "Rue de Montlhéry"}))
    terminal.configure(*SOURCE, "[limits]", f"upload_bytes = {size - 1}")
    told = terminal.fail("check")
    assert f"error sources.voirie.url: 'travaux.geojson' has {size} bytes" in told
    assert f"raise limits.upload_bytes from {size - 1}, or split it" in told
    terminal.configure(*SOURCE, "[limits]", f"upload_bytes = {size}")
    assert "good" in terminal.run("check").out


def test_check_of_mappings(terminal: Terminal) -> None:
    """A mapping that names a field that is none is told here and not only when the service starts, each of them."""
    terminal.write("travaux.geojson", travaux({}))
    second = [line.replace("voirie", "eau").replace("title", '"impact.colour"') for line in SOURCE]
    terminal.configure(*[line.replace("title", "titel") for line in SOURCE], *second)
    told = terminal.fail("check")
    assert "titel" in told
    assert "impact.colour" in told
    assert "sources.voirie.mapping" in told
    assert "sources.eau.mapping" in told


def test_check_of_the_address(terminal: Terminal) -> None:
    """A port in use, a name that is none and an address of another machine are told before the service is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = terminal.fail("check", environment={"GEOWORKS_SERVER_PORT": port})
    assert f"error server.port: {port} on 127.0.0.1 is in use\n      stop the program that listens there" in told
    told = terminal.fail("check", environment={"GEOWORKS_SERVER_HOST": "192.0.2.1"})
    assert "error server.host: cannot listen on 192.0.2.1:8080" in told
    told = terminal.fail("check", environment={"GEOWORKS_SERVER_HOST": "no.such.host.invalid"})
    assert "error server.host: cannot listen on no.such.host.invalid:8080" in told


def test_check_beside_the_service(terminal: Terminal) -> None:
    """The port that our own service holds is no fault."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    terminal.configure()
    path = terminal.folder / "config.toml"
    path.write_text(path.read_text().replace("port = 0", f"port = {port}"))
    with serving(terminal.folder):
        assert terminal.run("check").out.endswith("0 sources, and the service runs\n")
    assert terminal.run("check").out.endswith("and its address is free\n")


def test_check_of_the_broker(terminal: Terminal) -> None:
    """A broker is asked whether it lets us in; an address that is none, or where none answers, is told."""
    with running_nats(mqtt=True) as server:
        terminal.configure("[mqtt]", f'url = "mqtt://127.0.0.1:{server.mqtt_port}"')
        said = terminal.run("check").out
        assert said.splitlines()[-1] == f"the MQTT broker at mqtt://127.0.0.1:{server.mqtt_port} lets us in"
    told = terminal.fail("check")
    assert f"error mqtt.url: mqtt://127.0.0.1:{server.mqtt_port} lets nobody in: " in told
    assert "see that the broker runs" in told
    terminal.configure("[mqtt]", 'url = "http://town:s3cret@broker.example.org"')
    told = terminal.fail("check")
    assert "is no address of an MQTT broker" in told
    assert "s3cret" not in told


def test_bus_is_none_of_the_vehicles(terminal: Terminal) -> None:
    """What nodes tell each other may not lie where vehicles listen, and by default does not."""
    tables = ("[store]", 'engine = "postgresql"', 'dsn = "postgresql://127.0.0.1:1/town"', "[bus]", 'kind = "nats"')
    servers, broker = 'nats_servers = ["nats://127.0.0.1:1"]', 'url = "mqtt://127.0.0.1:1"'
    terminal.configure(*tables, servers, "[mqtt]", broker)
    assert "bus.stream" not in terminal.fail("check")
    terminal.configure(*tables, servers, 'stream = "ville"', "[mqtt]", broker, 'topic = "ville"')
    told = terminal.fail("check")
    assert "error bus.stream: is mqtt.topic too" in told
    assert "name another, such as ville-nodes" in told


def test_check_of_the_data_directory(terminal: Terminal) -> None:
    """A data directory that is a file, or below one, or that cannot be written, is told."""
    terminal.write("file", "")
    for name in ("file", "file/data"):
        terminal.configure(data_dir=name)
        assert "error data.dir: 'file' is not a folder" in terminal.fail("check").replace(f"{terminal.folder}/", "")
    terminal.configure(data_dir="locked/data")
    (terminal.folder / "locked").mkdir()
    with read_only(terminal.folder / "locked"):
        assert "locked' cannot be written\n      give its owner the right" in terminal.fail("check")


def test_environment(terminal: Terminal) -> None:
    """The configuration may be named by the environment; a variable that names no setting is told."""
    other = terminal.write("other.toml", '[town]\nname = "Évry"\n[server]\nport = 0\n')
    assert "Évry" in terminal.run("check", environment={"GEOWORKS_CONFIG": str(other)}).out
    told = terminal.fail("check", environment={"GEOWORKS_SERVER_PROT": "80"})
    assert told.startswith("error GEOWORKS_SERVER_PROT: names no setting\n")


def test_no_traceback_of_a_folder(terminal: Terminal, tmp_path: Path) -> None:
    """A folder in the place of the configuration is a wrong use."""
    assert "is a directory" in terminal.fail("check", "--config", str(tmp_path), code=2)
