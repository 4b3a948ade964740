"""The settings of a town that many nodes serve: what each does, and what carries news between them and to vehicles."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from geoworks.config.table import Count, Seconds, Table


class NodeRole(StrEnum):
    """What a node does in a town that many nodes serve."""

    ALL = "all"
    GATEWAY = "gateway"
    WORKER = "worker"


class NodeTable(Table, frozen=True):
    """What this process does where many serve one town; all of them need `store.engine = "postgresql"`."""

    role: Annotated[
        NodeRole,
        Meta(
            description="gateway: pages, API and stream; worker: the log's numbers, sources, timetable, maps and "
            "webhooks, by one at a time while others stand by; all: both."
        ),
    ] = NodeRole.ALL
    name: Annotated[
        str, Meta(max_length=60, description="Name of this node on /status and in messages; empty: its process.")
    ] = ""
    poll_s: Annotated[
        float, Meta(gt=0, le=2, description="Time after which a node looks at the log when it hears nothing.")
    ] = 1.0
    lag_alarm_s: Annotated[
        Seconds, Meta(description="Age of what waits to be numbered from which /status raises an alarm.")
    ] = 5.0
    clock_alarm_s: Annotated[
        Seconds, Meta(description="Difference between the clocks of node and database that raises an alarm.")
    ] = 2.0


class BusKind(StrEnum):
    """What carries news between nodes."""

    POSTGRESQL = "postgresql"
    NATS = "nats"


class BusTable(Table, frozen=True):
    """What tells nodes sooner than a look at the log: the database's own notices, or NATS JetStream."""

    kind: Annotated[
        BusKind, Meta(description="postgresql (LISTEN and NOTIFY), or nats. Without it nodes look each node.poll_s.")
    ] = BusKind.POSTGRESQL
    nats_servers: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses of the NATS servers. Give a password by GEOWORKS_BUS_NATS_SERVERS, so that it "
            "stands in no file of the town."
        ),
    ] = ("nats://127.0.0.1:4222",)
    stream: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9_-]{1,32}$",
            description="Name of the JetStream stream, and of its subjects; another than mqtt.topic.",
        ),
    ] = "geoworks-nodes"
    keep_s: Annotated[Seconds, Meta(description="Time the stream keeps changes.")] = 600.0
    keep_bytes: Annotated[Count, Meta(description="Most bytes the stream keeps.")] = 268_435_456


class MqttTable(Table, frozen=True):
    """Changes for vehicles over MQTT, through a broker such as the NATS server's own listener."""

    url: Annotated[
        str,
        Meta(
            description="Address of the broker, such as mqtt://user@broker.example.org:1883 (mqtts:// with TLS); "
            "empty: none. Give a password by GEOWORKS_MQTT_URL."
        ),
    ] = ""
    topic: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,32}$", description="First level of the topics.")] = "geoworks"
    timeout_s: Annotated[Seconds, Meta(description="Time the broker has to take one message.")] = 10.0
