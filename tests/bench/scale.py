"""What a town of many drivers needs, reckoned from measured figures: `python -m tests.bench.scale [--help]`.

The figures are those of `build/bench.json` where that has them, else those that docs/scale.md documents (`--documented`
takes these in any case). All else is arithmetic: nobody has run a town of a million drivers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from tests.bench.run import REPORT

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)
# So far a core, and anything else, may be filled: the rest is for rushes and for what was not reckoned.
_BUSY = 0.6


class Costs(Struct, frozen=True, kw_only=True):
    """What things cost, as measured on two cores that others used too."""

    deliveries_per_cpu_s: float = 90_000
    match_s: float = 0.000_4
    position_s: float = 0.000_11
    connection_kb: float = 19
    node_mb: float = 150
    frame_bytes: float = 926
    writes_per_s: float = 1_400
    numbered_per_s: float = 20_000
    nats_deliveries_per_cpu_s: float = 780_000


class Bounds(Struct, frozen=True, kw_only=True):
    """What one of a thing takes, and what a quiet client costs; nobody measured these here."""

    connections: float = 20_000
    database_connections: float = 500
    connections_by_gateway: float = 4
    log_reads_per_s: float = 5_000
    network_mbit_per_s: float = 10_000
    heartbeat_s: float = 25
    heartbeat_bytes: float = 60
    position_bytes: float = 120


class Scenario(Struct, frozen=True, kw_only=True):
    """What happens: of each change a share of the drivers hears, and each tells now and then where it is."""

    drivers: int
    changes_per_s: float = 20
    share: float = 0.01
    positions_per_driver_s: float = 0.02
    writes_per_s: float = 20


class Needs(Struct, frozen=True, kw_only=True):
    """What a scenario takes: `loads` are shares of what one database, log, bus and entry can do."""

    deliveries_per_s: float
    cores: float
    gateways: int
    memory_gb: float
    network_mbit_per_s: float
    database_connections: float
    log_reads_per_s: float
    loads: Mapping[str, float]

    @property
    def full(self) -> list[str]:
        """Return what is full, the fullest first."""
        return sorted((name for name, load in self.loads.items() if load > _BUSY), key=lambda name: -self.loads[name])


class Constant(Struct, frozen=True):
    """Where a figure of `Costs` comes from, and how the row of the report begins that has it."""

    field: str
    what: str
    source: str
    row: str = ""


CONSTANTS: Final = (
    Constant(
        "deliveries_per_cpu_s",
        "deliveries by CPU second of a gateway, each client with a place of its own",
        "`adding`",
        "deliveries by CPU second of a gateway among 2",
    ),
    Constant("match_s", "a change taken and matched by a gateway, of 100 000 subscriptions, seconds", "`match`"),
    Constant("position_s", "a position told and answered, seconds", "`moving`", "2 000 drivers, a position a"),
    Constant("connection_kb", "a connection that waits, kB", "`connections`", "memory of an idle connection"),
    Constant("node_mb", "a node with 2000 works, MB", "[operations.md](operations.md#sizing)"),
    Constant("frame_bytes", "a change on the wire, bytes", "`fanout`"),
    Constant("writes_per_s", "single writes a second of 16 nodes, disk synced", "`outbox`", "outbox, fsync on"),
    Constant("numbered_per_s", "changes a second that a relay numbers when many wait", "`outbox`"),
    Constant(
        "nats_deliveries_per_cpu_s",
        "deliveries by CPU second of nats-server without JetStream, 16 changes in flight",
        "`fanout`",
    ),
)
_ASSUMED: Final = {
    "connections": "connections of a gateway, by the setting `stream.connections`",
    "database_connections": "connections of a PostgreSQL server",
    "connections_by_gateway": "of these each gateway holds",
    "log_reads_per_s": "reads of the log a second, with the bus `postgresql`",
    "network_mbit_per_s": "Mbit/s of one entry",
    "heartbeat_s": "seconds between heartbeats (`stream.heartbeat_s`)",
    "heartbeat_bytes": "bytes of a heartbeat with its answer",
    "position_bytes": "bytes of a position",
}


def reckon(scenario: Scenario, costs: Costs, bounds: Bounds) -> Needs:
    """Return what a scenario needs."""
    drivers, changes = scenario.drivers, scenario.changes_per_s
    deliveries, heartbeats = drivers * scenario.share * changes, drivers / bounds.heartbeat_s
    positions = drivers * scenario.positions_per_driver_s
    for_drivers = (deliveries + heartbeats) / costs.deliveries_per_cpu_s + positions * costs.position_s
    for_changes = changes * costs.match_s
    # Every gateway takes every change; what is left of it is for its drivers.
    by_cpu = for_drivers / max(_BUSY - for_changes, 0.01)
    by_connections = drivers / bounds.connections
    gateways = ceil(max(by_cpu, by_connections))
    sent_bytes = deliveries * costs.frame_bytes + heartbeats * bounds.heartbeat_bytes
    network = (sent_bytes + positions * bounds.position_bytes) * 8 / 1e6
    return Needs(
        deliveries_per_s=deliveries,
        cores=for_drivers + gateways * for_changes,
        gateways=gateways,
        memory_gb=(gateways * costs.node_mb + drivers * costs.connection_kb / 1e3) / 1e3,
        network_mbit_per_s=network,
        database_connections=gateways * bounds.connections_by_gateway,
        log_reads_per_s=gateways * changes,
        loads={
            "one process instead": max(for_drivers + for_changes, by_connections),
            "connections of the database": gateways * bounds.connections_by_gateway / bounds.database_connections,
            "reads of the log": gateways * changes / bounds.log_reads_per_s,
            "writes": scenario.writes_per_s / costs.writes_per_s,
            "numbering": changes / costs.numbered_per_s,
            "changes at each gateway": for_changes,
            "NATS": gateways * changes / costs.nats_deliveries_per_cpu_s,
            "network": network / bounds.network_mbit_per_s,
        },
    )


def measured(report: Path) -> Costs:
    """Return the costs, as a report of the benchmarks has them where it does."""
    if not report.exists():
        return Costs()
    rows = {row["name"]: row["ours"] for row in msgspec.json.decode(report.read_bytes())}
    found = {
        constant.field: ours
        for constant in CONSTANTS
        for name, ours in rows.items()
        if constant.row and name.startswith(constant.row) and "longest block" not in name
    }
    return structs.replace(Costs(), **found)


def constants_markdown(costs: Costs, bounds: Bounds) -> str:
    """Return the figures that everything is reckoned from."""
    lines = ["| figure | | from |", "|---|---|---|"]
    lines += [f"| {one.what} | {_figure(getattr(costs, one.field))} | {one.source} |" for one in CONSTANTS]
    lines += [f"| {what} | {_figure(getattr(bounds, field))} | assumed |" for field, what in _ASSUMED.items()]
    return "\n".join(lines)


def needs_markdown(scenarios: Sequence[Scenario], costs: Costs, bounds: Bounds) -> str:
    """Return what each scenario needs, one a column."""
    needs = [reckon(scenario, costs, bounds) for scenario in scenarios]
    rows: list[tuple[str, list[str]]] = [
        ("deliveries a second", [_figure(one.deliveries_per_s) for one in needs]),
        ("gateways", [_figure(one.gateways) for one in needs]),
        ("cores they keep busy", [f"{one.cores:.1f}" for one in needs]),
        ("their memory, GB", [f"{one.memory_gb:.1f}" for one in needs]),
        ("network, Mbit/s", [_figure(one.network_mbit_per_s) for one in needs]),
        ("connections of the database", [_figure(one.database_connections) for one in needs]),
        ("reads of the log a second, or messages of NATS", [_figure(one.log_reads_per_s) for one in needs]),
        *((f"load of {name}", [_percent(one.loads[name]) for one in needs]) for name in needs[0].loads),
        ("full, the fullest first", ["; ".join(one.full) or "nothing" for one in needs]),
    ]
    heads = [f"{_figure(scenario.drivers)} drivers" for scenario in scenarios]
    lines = [_line("", heads), "|---" * (len(heads) + 1) + "|"]
    return "\n".join(lines + [_line(name, cells) for name, cells in rows])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Reckon what a town of many drivers needs.")
    parser.add_argument("--documented", action="store_true", help="do not read build/bench.json")
    parser.add_argument("--drivers", type=int, nargs="+", default=SIZES)
    for field in structs.fields(Scenario)[1:]:
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default)
    options = vars(parser.parse_args(arguments))
    costs = Costs() if options.pop("documented") else measured(REPORT)
    scenarios = [Scenario(**{**options, "drivers": drivers}) for drivers in options.pop("drivers")]
    print(constants_markdown(costs, Bounds()), needs_markdown(scenarios, costs, Bounds()), sep="\n\n")
    return 0


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join((name, *cells))} |"


def _percent(load: float) -> str:
    return f"{load * 100:.1f} %" if load < 0.1 else f"{_figure(round(load * 100))} %"


def _figure(value: float) -> str:
    """Write a figure with three places that count, thousands apart."""
    return f"{value:_.0f}".replace("_", " ") if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
