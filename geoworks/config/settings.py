"""Every setting of `config.toml`: its type, bounds, default and meaning.

The descriptions here, in `nodes`, `sources` and `categories` are the only ones: `config.toml`, `geoworks init`,
`geoworks check` and `docs/settings.md` are made from them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from geoworks.config.categories import CATEGORIES, Category
from geoworks.config.nodes import BusTable, MqttTable, NodeTable
from geoworks.config.sources import SourceTable
from geoworks.config.table import Colour, Count, Port, Seconds, Table


class Town(Table, frozen=True):
    """The town as the pages show it."""

    name: Annotated[str, Meta(description="Name shown on every page.")] = "Ma ville"
    language: Annotated[str, Meta(pattern="^(fr|en)$", description="First language of the pages: fr or en.")] = "fr"
    time_zone: Annotated[str, Meta(description="IANA time zone in which the town reads its clocks.")] = "Europe/Paris"
    center: Annotated[
        tuple[float, float], Meta(description="[lon, lat] on which the maps open when nothing is drawn.")
    ] = (2.3080, 48.6330)
    zoom: Annotated[int, Meta(ge=1, le=20, description="Zoom at which the maps open.")] = 14
    primary_colour: Annotated[Colour, Meta(description="Main colour of the pages, #rrggbb.")] = "#0b4f6c"
    accent_colour: Annotated[Colour, Meta(description="Colour of what can be pressed, #rrggbb.")] = "#0b6e4f"
    logo: Annotated[str, Meta(description="Path of an SVG or PNG logo; empty for none.")] = ""
    contact: Annotated[
        str, Meta(description="How citizens reach the town otherwise (phone, page); empty for none.")
    ] = ""


class Server(Table, frozen=True):
    """Where the service listens and what stands before it."""

    host: Annotated[str, Meta(description="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on; 0 takes a free one.")] = 8080
    base_path: Annotated[
        str,
        Meta(pattern=r"^(/[\w.~-]+)*$", description="Path prefix behind a proxy, such as /travaux; empty for none."),
    ] = ""
    public_url: Annotated[
        str, Meta(description="Address the town's users see, for links; empty: taken from the request.")
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses or networks whose X-Forwarded-* headers are believed.")
    ] = ()
    cors_origins: Annotated[tuple[str, ...], Meta(description="Origins allowed to read; * for every site.")] = ("*",)
    drain_s: Annotated[Seconds, Meta(description="Time given to connections to leave at shutdown.")] = 30.0
    idle_s: Annotated[
        Seconds,
        Meta(description="Time a connection may go without a whole request; longer than proxies keep theirs."),
    ] = 75.0
    body_bytes_per_s: Annotated[
        Count,
        Meta(
            description="Slowest a request's body may come; a bad mobile line sends three times as fast, and the "
            "largest upload is over after some seven hours at most."
        ),
    ] = 4_096
    body_grace_s: Annotated[
        Seconds, Meta(description="Stretch over which a body's pace is measured, and the longest it may stand still.")
    ] = 30.0
    requests_per_minute: Annotated[
        Count,
        Meta(
            description="Public API requests per minute, address and URL; at the stream and the long poll at least as "
            "many as stream.connections_per_address."
        ),
    ] = 60
    report_burst: Annotated[Count, Meta(description="Reports one address may post at once (token bucket).")] = 30
    report_per_minute: Annotated[
        float, Meta(gt=0, description="Reports per minute that one address may go on posting.")
    ] = 6.0


class Data(Table, frozen=True):
    """Where everything is kept."""

    dir: Annotated[str, Meta(description="Folder of the database, the last good copies and the maps.")] = "data"
    keep_log_days: Annotated[Count, Meta(description="Days a client may be away and still resume.")] = 30
    keep_over_days: Annotated[Count, Meta(description="Days that ended works stay readable among the current.")] = 14


class Engine(StrEnum):
    """What keeps the town."""

    EMBEDDED = "embedded"
    POSTGRESQL = "postgresql"


class StoreTable(Table, frozen=True):
    """What keeps the town: one file in the data folder, or a PostgreSQL server with PostGIS."""

    engine: Annotated[Engine, Meta(description="embedded, or postgresql for a server with PostGIS.")] = Engine.EMBEDDED
    dsn: Annotated[
        str,
        Meta(
            description="Address of the database, such as postgresql://geoworks_writer@db.example.org/town. Give a "
            "password by PGPASSWORD, ~/.pgpass or the whole address by GEOWORKS_STORE_DSN, so that it stands in no "
            "file of the town."
        ),
    ] = ""
    pool_size: Annotated[int, Meta(ge=1, le=1000, description="Most connections that read; one more writes.")] = 8
    connect_timeout_s: Annotated[Seconds, Meta(description="Time the server has to answer a new connection.")] = 5.0
    command_timeout_s: Annotated[Seconds, Meta(description="Time one statement may take.")] = 60.0
    acquire_timeout_s: Annotated[Seconds, Meta(description="Time a reader waits for a free connection.")] = 5.0


class ClockTable(Table, frozen=True):
    """What time it is."""

    start: Annotated[
        datetime | None, Meta(description="Run the clock from this moment instead of now, for trials on old data.")
    ] = None


class Tiles(Table, frozen=True):
    """The background map: the only thing a page fetches from elsewhere."""

    url: Annotated[str, Meta(description="Tile URL with {z}/{x}/{y}; empty for no background.")] = (
        "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2"
        "&STYLE=normal&TILEMATRIXSET=PM&FORMAT=image/png&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    )
    attribution: Annotated[str, Meta(description="Text the provider asks for, shown on every map.")] = "© IGN"
    max_zoom: Annotated[int, Meta(ge=1, le=24, description="Deepest zoom the provider serves.")] = 19


class VectorTiles(Table, frozen=True):
    """The bounds of `/tiles`, which a town on PostgreSQL serves, and when the live map draws from them."""

    from_features: Annotated[
        int,
        Meta(
            ge=0,
            description="Works, reports and zones from which on the live map draws from tiles and holds only what is "
            "in view; below, a page holds them all.",
        ),
    ] = 5_000
    features: Annotated[
        int, Meta(ge=1, le=100_000, description="Most features of one tile; the least severe are left out.")
    ] = 10_000
    cache_bytes: Annotated[
        int, Meta(ge=0, description="Memory for tiles that were made; the one asked for longest ago goes first.")
    ] = 67_108_864
    timeout_s: Annotated[Seconds, Meta(description="Time one tile may take to be made.")] = 5.0
    per_minute: Annotated[Count, Meta(description="Tiles one address may ask for per minute.")] = 3_000


class Stream(Table, frozen=True):
    """The bounds of the live stream."""

    heartbeat_s: Annotated[Seconds, Meta(description="Time between two pings and heartbeats.")] = 25.0
    pong_s: Annotated[Seconds, Meta(description="Time after a ping at which a silent connection is dead.")] = 8.0
    first_message_s: Annotated[Seconds, Meta(description="Time a client has to send its first message.")] = 10.0
    frame_bytes: Annotated[Count, Meta(description="Largest frame taken from a client.")] = 32_768
    subscriptions: Annotated[Count, Meta(description="Subscriptions one connection may hold.")] = 128
    messages_burst: Annotated[
        Count, Meta(description="Messages one client may send at once (token bucket): subscriptions, and some more.")
    ] = 160
    messages_per_s: Annotated[
        float, Meta(gt=0, description="Messages per second that one client may go on sending.")
    ] = 10.0
    high_water_bytes: Annotated[
        Count, Meta(description="Unsent bytes at which a connection is no longer written to until it drains.")
    ] = 262_144
    stuck_s: Annotated[Seconds, Meta(description="Time without progress after which a connection is cut.")] = 30.0
    notice_lead_s: Annotated[
        Seconds, Meta(description="How long before works begin those on whose route they lie are told.")
    ] = 900.0
    connections: Annotated[Count, Meta(description="Open connections in all.")] = 20_000
    connections_per_address: Annotated[Count, Meta(description="Open connections from one address.")] = 200


class WebhooksTable(Table, frozen=True):
    """Changes sent to receivers that key holders registered."""

    allow_http: Annotated[bool, Meta(description="Take http:// addresses too, which anybody on the way can read.")] = (
        False
    )
    allow_private: Annotated[
        bool, Meta(description="Send to addresses of private networks and this machine too: for intranets and trials.")
    ] = False
    per_key: Annotated[Count, Meta(description="Webhooks one key may register.")] = 10
    total: Annotated[Count, Meta(description="Webhooks in all.")] = 100
    batch_changes: Annotated[Count, Meta(description="Most messages of one delivery.")] = 100
    batch_bytes: Annotated[Count, Meta(description="Size of a delivery from which no further message is put in.")] = (
        131_072
    )
    timeout_s: Annotated[Seconds, Meta(description="Time a receiver has to answer a delivery.")] = 15.0
    first_retry_s: Annotated[
        Seconds, Meta(description="Wait after the first failure; it doubles with each, less up to half by chance.")
    ] = 5.0
    longest_retry_s: Annotated[
        Seconds, Meta(description="Longest wait between two attempts, also when Retry-After asks for more.")
    ] = 3_600.0
    give_up_days: Annotated[
        float, Meta(gt=0, le=365, description="Days of failures alone after which a webhook is given up.")
    ] = 5.0


class Limits(Table, frozen=True):
    """The bounds of what is taken in."""

    upload_bytes: Annotated[Count, Meta(description="Largest upload or download of a source.")] = 104_857_600
    body_bytes: Annotated[Count, Meta(description="Largest JSON body of the API.")] = 5_242_880
    vertices_public: Annotated[Count, Meta(description="Most vertices of a geometry the public sends.")] = 5_000
    vertices_staff: Annotated[Count, Meta(description="Most vertices of a geometry staff or a source sends.")] = 50_000
    json_depth: Annotated[Count, Meta(description="Deepest nesting of a JSON body.")] = 32
    report_text: Annotated[Count, Meta(description="Most characters of a report's text.")] = 2_000
    photos: Annotated[int, Meta(ge=0, description="Most photos of a report.")] = 5
    photo_bytes: Annotated[Count, Meta(description="Largest photo.")] = 10_485_760
    photo_pixels: Annotated[Count, Meta(description="Most pixels of a photo.")] = 40_000_000
    zip_entries: Annotated[Count, Meta(description="Most files in a zip.")] = 100
    zip_ratio: Annotated[Count, Meta(description="Most times a zip may grow when unpacked.")] = 200
    unzipped_bytes: Annotated[Count, Meta(description="Most bytes a zip may unpack to.")] = 1_073_741_824
    records: Annotated[Count, Meta(description="Most records read from one source.")] = 1_000_000
    repair_s: Annotated[
        Seconds,
        Meta(description="Time a broken geometry may take to repair; after ten late, only small ones are tried."),
    ] = 5.0


class Levels(Table, frozen=True):
    """From when on a zone is light, disturbed, heavy, blocked.

    Each active works inside a zone weighs its severity (low 1, medium 2, high 4, blocked 8) times the part of it
    inside (its share, at least 0.1). The zone's level is the highest whose threshold the sum reaches.
    """

    light: Annotated[float, Meta(gt=0, description="Sum of weights from which a zone is light.")] = 0.5
    disturbed: Annotated[float, Meta(gt=0, description="Sum of weights from which a zone is disturbed.")] = 6.0
    heavy: Annotated[float, Meta(gt=0, description="Sum of weights from which a zone is heavy.")] = 12.0
    blocked: Annotated[float, Meta(gt=0, description="Sum of weights from which a zone is blocked.")] = 24.0


class Reports(Table, frozen=True):
    """What citizens may report."""

    moderated: Annotated[bool, Meta(description="Keep texts and photos hidden until a moderator releases them.")] = True
    near_works_m: Annotated[
        float, Meta(ge=0, le=1000, description="Distance within which works are linked to a report, in metres.")
    ] = 40.0
    categories: Annotated[
        tuple[Category, ...],
        Meta(min_length=1, description="The categories, in the order shown; the last one takes what fits no other."),
    ] = CATEGORIES


class MapsTable(Table, frozen=True):
    """The generated maps."""

    dir: Annotated[
        str, Meta(description="Folder of the maps, which the nodes of one town share; empty: in the data folder.")
    ] = ""
    debounce_s: Annotated[
        Seconds, Meta(description="Time after a change in which others are gathered before the maps are made anew.")
    ] = 10.0
    enabled: Annotated[bool, Meta(description="Make the maps while serving.")] = True


class ZonesTable(Table, frozen=True):
    """Zones read at start when the store has none; `geoworks zones import` replaces them any time."""

    file: Annotated[str, Meta(description="File of the zones; empty for none.")] = ""
    layer: Annotated[str, Meta(description="Layer; empty for the only one.")] = ""
    crs: Annotated[str, Meta(description="CRS that overrides the file's.")] = ""
    id: Annotated[str, Meta(description="Column of the id; empty: guessed.")] = ""
    name: Annotated[str, Meta(description="Column of the name; empty: guessed.")] = ""


class Settings(Table, frozen=True):
    """All of `config.toml`."""

    town: Town = Town()
    server: Server = Server()
    data: Data = Data()
    store: StoreTable = StoreTable()
    node: NodeTable = NodeTable()
    bus: BusTable = BusTable()
    mqtt: MqttTable = MqttTable()
    clock: ClockTable = ClockTable()
    tiles: Tiles = Tiles()
    vector_tiles: VectorTiles = VectorTiles()
    stream: Stream = Stream()
    webhooks: WebhooksTable = WebhooksTable()
    limits: Limits = Limits()
    levels: Levels = Levels()
    reports: Reports = Reports()
    maps: MapsTable = MapsTable()
    zones: ZonesTable = ZonesTable()
    sources: Annotated[dict[str, SourceTable], Meta(description="One table a source, by its name.")] = {}
