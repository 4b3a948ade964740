"""Figures for Prometheus: requests by door, features by kind, the log, the store and its disk, each source."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from geoworks.errors import StoreError
from geoworks.model.change import Kind
from geoworks.web.health import ask_store
from geoworks.web.route import EVENT_STREAM, Door
from geoworks.web.services import Services, services

_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
TEXT = "text/plain"


class Metrics:
    """Our own registry: nothing of other libraries gets in."""

    def __init__(self, house: Services) -> None:
        """Measure the parts of `house`."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_TownCollector(house))
        self.requests = Histogram(
            "geoworks_request_seconds",
            "Time to answer, by door and status.",
            ("method", "door", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.store_up = Gauge("geoworks_store_up", "1 when the store can be read.", registry=self.registry)


METRICS = web.AppKey("metrics", Metrics)


class _TownCollector(Collector):
    """Reads the figures when asked, so that keeping them costs nothing."""

    def __init__(self, house: Services) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of now."""
        features = GaugeMetricFamily("geoworks_features", "Current features by kind.", labels=["kind"])
        for kind in Kind:
            features.add_metric([kind.value], self._house.state.count(kind))
        yield features
        yield GaugeMetricFamily("geoworks_log_offset", "Head of the log.", value=self._house.state.cursor.offset)
        delay = GaugeMetricFamily(
            "geoworks_source_delay_seconds", "Age of what is shown of a source.", labels=["source"]
        )
        stale = GaugeMetricFamily("geoworks_source_stale", "1 when a source missed its intervals.", labels=["source"])
        held = GaugeMetricFamily(
            "geoworks_source_on_hold", "1 when removals of a source wait for a person.", labels=["source"]
        )
        for status in self._house.syncs.status():
            stale.add_metric([status.source], status.stale)
            held.add_metric([status.source], status.on_hold)
            if status.delay_s is not None:
                delay.add_metric([status.source], status.delay_s)
        yield from (delay, stale, held)
        yield from self._disk()
        yield from self._stream()
        yield from self._node()

    def _disk(self) -> Iterator[Metric]:
        disk = shutil.disk_usage(self._house.settings.data.dir)
        yield GaugeMetricFamily("geoworks_disk_free_bytes", "Room on the disk of the data directory.", value=disk.free)
        yield GaugeMetricFamily("geoworks_disk_size_bytes", "Size of the disk of the data directory.", value=disk.total)

    def _stream(self) -> Iterator[Metric]:
        counted = self._house.hub.counters
        connections = GaugeMetricFamily("geoworks_stream_connections", "Open streams.", labels=["state"])
        connections.add_metric(["connected"], counted.connected)
        connections.add_metric(["lagging"], counted.lagging)
        yield connections
        delay = GaugeMetricFamily(
            "geoworks_stream_delay_seconds",
            "Time from the commit of a change to its writing to the sockets, of the last changes.",
            labels=["quantile"],
        )
        if (delays := counted.delays) is not None:
            for quantile, delay_s in (("0.5", delays.p50), ("0.95", delays.p95), ("0.99", delays.p99)):
                delay.add_metric([quantile], delay_s)
        yield delay
        for name, help_, value in (
            ("published", "Changes told.", counted.published),
            ("sent", "Messages written to sockets.", counted.sent),
            ("resumed", "Streams resumed.", counted.resumed),
            ("resynced", "Streams told to take a snapshot.", counted.resynced),
            ("aborted", "Streams cut because they did not read.", counted.aborted),
        ):
            yield CounterMetricFamily(f"geoworks_stream_{name}", help_, value=value)

    def _node(self) -> Iterator[Metric]:
        status = self._house.node.status() if self._house.node else None
        if status is None:
            return
        for name, help_, value in (
            ("node_leads", "1 where this node numbers the log.", float(status.leads)),
            ("node_clock_ahead_seconds", "How far this node's clock is ahead of the database's.", status.clock_ahead_s),
            ("node_alarms", "Alarms on the status page.", float(len(status.alarms))),
            ("log_waiting", "Changes that are written and not numbered yet.", float(status.waiting)),
            ("log_waiting_seconds", "Age of the oldest change that is not numbered yet.", status.waiting_s),
            ("log_transaction_seconds", "Age of the oldest transaction that writes.", status.transaction_s),
        ):
            yield GaugeMetricFamily(f"geoworks_{name}", help_, value=value)


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Time every answer; streams are counted elsewhere, for they last as long as their reader."""
    begin = time.perf_counter()
    response = await handler(request)
    if not isinstance(response, web.WebSocketResponse) and response.content_type != EVENT_STREAM:
        resource = request.match_info.route.resource
        door = resource.canonical if resource else "none"
        request.app[METRICS].requests.labels(request.method, door, response.status).observe(time.perf_counter() - begin)
    return response


async def read_metrics(request: web.Request) -> web.StreamResponse:
    """Answer the figures in the Prometheus text format."""
    metrics = request.app[METRICS]
    metrics.store_up.set(await _is_up(services(request)))
    return web.Response(body=generate_latest(metrics.registry), content_type=TEXT, charset="utf-8")


async def _is_up(house: Services) -> bool:
    try:
        await ask_store(house)
    except StoreError:
        return False
    return True


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/metrics",
        handler=read_metrics,
        summary="Figures for Prometheus",
        tag="health",
        answer=str,
        answer_media=TEXT,
    ),
)
