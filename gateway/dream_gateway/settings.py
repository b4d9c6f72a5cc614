"""Every setting of the gateway in one frozen table: the fields of `Settings`.

Each has a name, a type with its bounds, a default, and help that names the unit. Reading them is
`dream_gateway.configuration`, showing them `dream_gateway.settings_table`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

FOREVER_SECONDS = 1e9
FILE_ONLY = ("routes", "plugins")
STORES = ("store", "records", "ledger", "kv", "feed")
"""The settings that are URLs of stores."""

MEBIBYTE = 1 << 20

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0, le=FOREVER_SECONDS)]
PositiveSeconds = Annotated[float, Meta(gt=0, le=FOREVER_SECONDS)]
Count = Annotated[int, Meta(ge=0)]
PositiveCount = Annotated[int, Meta(ge=1)]
Charging = Literal["admitted", "success"]


class RouteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[routes]]` table: what holds for requests whose path starts with `prefix`.

    `None` leaves a value to the setting of the same name. The longest prefix that matches wins.
    """

    prefix: Annotated[
        str, Meta(pattern="^/", description="Whole path segments the route is for.")
    ] = "/"
    methods: Annotated[
        tuple[str, ...], Meta(description="HTTP methods it is for; empty: every one.")
    ] = ()
    upstreams: Annotated[
        tuple[str, ...], Meta(description="URLs of the API behind it; empty: the setting upstream.")
    ] = ()
    strip_prefix: Annotated[
        bool, Meta(description="Whether the upstream sees the path without the prefix.")
    ] = False
    cost: Annotated[Count, Meta(description="Units one request costs.")] = 1
    scopes: Annotated[
        tuple[str, ...], Meta(description="Scopes the key must have, all of them.")
    ] = ()
    public: Annotated[bool, Meta(description="Whether requests pass without a key, uncounted.")] = (
        False
    )
    preflight: Annotated[
        bool,
        Meta(
            description="Whether CORS preflights, which have no key, pass to the upstream uncounted."
        ),
    ] = False
    charge: Annotated[
        Charging | None, Meta(description="What is charged; see the setting charge.")
    ] = None
    on_store_failure: Annotated[
        Literal["closed", "open"],
        Meta(description="Whether requests are refused or pass uncounted while the store is away."),
    ] = "closed"
    retries: Annotated[
        Count, Meta(description="How often an idempotent request is tried again, counted once.")
    ] = 1
    keep_credential: Annotated[
        bool, Meta(description="Whether the upstream sees the caller's key.")
    ] = False
    preserve_host: Annotated[
        bool, Meta(description="Whether the upstream sees the caller's Host header.")
    ] = False
    connect_timeout: Annotated[
        PositiveSeconds | None, Meta(description="Seconds to connect to the upstream.")
    ] = None
    read_timeout: Annotated[
        PositiveSeconds | None, Meta(description="Seconds the upstream may be silent.")
    ] = None
    write_timeout: Annotated[
        PositiveSeconds | None, Meta(description="Seconds the upstream may stall a request's body.")
    ] = None
    max_body: Annotated[Count | None, Meta(description="Bytes a request's body may have.")] = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one gateway. Every field has a default; durations are seconds."""

    store: Annotated[str, Meta(description="URL of the store: its scheme names the backend.")] = (
        "sqlite:///dream.db"
    )
    records: Annotated[
        str, Meta(description="URL of the store of the records; empty: where store says.")
    ] = ""
    ledger: Annotated[
        str, Meta(description="URL of the store that counts usage; empty: where store says.")
    ] = ""
    kv: Annotated[
        str,
        Meta(description="URL of the cache that nodes share; empty: where store says, if it can."),
    ] = ""
    feed: Annotated[
        str,
        Meta(description="URL of what tells workers of changes; empty: the records' own store."),
    ] = ""
    upstream: Annotated[
        str, Meta(description="URL of the API behind the gateway; empty: only the routes have one.")
    ] = ""
    host: Annotated[str, Meta(description="Address the edge listens on.")] = "127.0.0.1"
    port: Annotated[
        Port, Meta(description="TCP port of the edge (the proxy and /authorize); 0: a free one.")
    ] = 8080
    service_host: Annotated[str, Meta(description="Address the service listens on.")] = "127.0.0.1"
    service_port: Annotated[
        Port, Meta(description="TCP port of the service (/api, /health, ...); 0: a free one.")
    ] = 8787
    service_url: Annotated[
        str, Meta(description="URL that browsers reach the service by; empty: where it listens.")
    ] = ""
    tls_certificate: Annotated[
        str,
        Meta(description="File with the edge's TLS certificate chain, in PEM; empty: plain HTTP."),
    ] = ""
    tls_key: Annotated[
        str, Meta(description="File with the certificate's private key, in PEM, not encrypted.")
    ] = ""
    service_tls_certificate: Annotated[
        str,
        Meta(description="File with the service's certificate chain, in PEM; empty: plain HTTP."),
    ] = ""
    service_tls_key: Annotated[
        str, Meta(description="File with the certificate's private key, in PEM, not encrypted.")
    ] = ""
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=1024)], Meta(description="Worker processes.")
    ] = 1
    journal_dir: Annotated[
        str,
        Meta(description="Folder of the lease journals, on a local disk; empty: the store's own."),
    ] = ""
    lease_seconds: Annotated[
        PositiveSeconds, Meta(description="Seconds of traffic one lease should cover.")
    ] = 1.0
    lease_share: Annotated[
        Annotated[float, Meta(gt=0, le=1)],
        Meta(description="Share of what remains that one lease may take, 0 to 1, over workers."),
    ] = 0.25
    lease_max: Annotated[PositiveCount, Meta(description="Units one lease may hold.")] = 100_000
    lease_idle: Annotated[
        PositiveSeconds, Meta(description="Seconds without traffic after which a lease goes back.")
    ] = 1.0
    lease_age: Annotated[
        PositiveSeconds, Meta(description="Seconds after which a lease is renewed, used or not.")
    ] = 5.0
    strict: Annotated[
        bool,
        Meta(description="Whether every request goes through the ledger, instead of leases."),
    ] = False
    cache_size: Annotated[PositiveCount, Meta(description="Entries each worker's cache holds.")] = (
        100_000
    )
    cache_ttl: Annotated[
        PositiveSeconds, Meta(description="Seconds until a cached entry is read again.")
    ] = 60.0
    cache_negative_ttl: Annotated[
        Seconds, Meta(description="Seconds an unknown key is remembered as unknown.")
    ] = 5.0
    cache_max_stale: Annotated[
        Seconds,
        Meta(description="Seconds past cache_ttl that an entry may serve while the store is away."),
    ] = 600.0
    deny_ttl: Annotated[
        Seconds, Meta(description="Seconds a ledger's denial is repeated without asking again.")
    ] = 1.0
    drain_delay: Annotated[
        Seconds,
        Meta(description="Seconds /ready answers 503 before nothing more is accepted at shutdown."),
    ] = 0.0
    drain_seconds: Annotated[
        Seconds, Meta(description="Seconds requests under way may take to finish at shutdown.")
    ] = 30.0
    max_body: Annotated[Count, Meta(description="Bytes a request's body may have.")] = (
        100 * MEBIBYTE
    )
    connect_timeout: Annotated[
        PositiveSeconds, Meta(description="Seconds to connect to the upstream.")
    ] = 5.0
    read_timeout: Annotated[
        PositiveSeconds, Meta(description="Seconds the upstream may be silent.")
    ] = 60.0
    write_timeout: Annotated[
        PositiveSeconds, Meta(description="Seconds the upstream may stall a request's body.")
    ] = 60.0
    pool_size: Annotated[
        PositiveCount, Meta(description="Connections each worker may have to one upstream.")
    ] = 512
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="CIDR blocks whose X-Forwarded-* and Forwarded headers are believed."),
    ] = ()
    legacy_headers: Annotated[
        bool, Meta(description="Whether answers carry X-RateLimit-* beside RateLimit.")
    ] = False
    query_parameter: Annotated[
        str, Meta(description="Query parameter that may hold the key; empty: headers only.")
    ] = ""
    authorize_limit_status: Annotated[
        Literal[429, 403],
        Meta(description="HTTP status of /authorize past a limit; nginx auth_request needs 403."),
    ] = 429
    operator_tokens: Annotated[
        tuple[str, ...],
        Meta(
            description="Bearer tokens of the operator, 32 characters or more each: they may do all."
        ),
    ] = ()
    dashboard: Annotated[
        bool, Meta(description="Whether the service serves the dashboard and the operator's view.")
    ] = True
    dashboard_session: Annotated[
        PositiveSeconds, Meta(description="Seconds a session of the dashboard lasts at most.")
    ] = 604_800.0
    dashboard_idle: Annotated[
        PositiveSeconds, Meta(description="Seconds without use after which such a session ends.")
    ] = 86_400.0
    restore_days: Annotated[
        Count, Meta(description="Days in which a deleted project can be restored.")
    ] = 30
    charge: Annotated[
        Charging,
        Meta(description="What is charged: each request admitted, or each whose answer is < 500."),
    ] = "admitted"
    retention_days: Annotated[
        Count, Meta(description="Days usage history is kept after its period; 0: for ever.")
    ] = 400
    rollup_seconds: Annotated[
        PositiveSeconds,
        Meta(description="Seconds between two writings of what was counted for charts."),
    ] = 5.0
    rollup_minutes_days: Annotated[
        Count, Meta(description="Days charts have minutes for; 0: for ever.")
    ] = 2
    rollup_hours_days: Annotated[
        Count, Meta(description="Days charts have hours for; 0: for ever.")
    ] = 62
    rollup_days_days: Annotated[
        Count, Meta(description="Days charts have days and months for; 0: for ever.")
    ] = 800
    billing_grace_days: Annotated[
        Annotated[int, Meta(ge=0, le=21)],
        Meta(description="Days a customer keeps a tier that could not be charged for."),
    ] = 7
    platform_plan: Annotated[
        bool,
        Meta(description="Whether platforms pay you: always if the provider names a price for it."),
    ] = False
    platform_price: Annotated[
        PositiveCount,
        Meta(description="What they pay each month, in the currency's minor unit."),
    ] = 1_500
    platform_currency: Annotated[
        Annotated[str, Meta(pattern="^[a-z]{3}$")],
        Meta(description="Its currency: ISO 4217, in lower case."),
    ] = "usd"
    platform_grace_days: Annotated[
        Count, Meta(description="Days a platform is served without paying, at first and later.")
    ] = 7
    encryption_keys: Annotated[
        tuple[str, ...],
        Meta(
            description="Keys that seal secrets in the records: 32 bytes in base64, newest first."
        ),
    ] = ()
    webhook_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="CIDR blocks that are not public, and that webhooks may go to, over http too."
        ),
    ] = ()
    imported_keys: Annotated[
        bool,
        Meta(description="Whether keys of other shapes than the gateway's are looked up, too."),
    ] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least severe message that is logged, to standard error."),
    ] = "info"
    access_log: Annotated[
        bool,
        Meta(description="Whether each request is logged, as a line of JSON; slows the edge down."),
    ] = False
    access_log_file: Annotated[
        str, Meta(description="File that the access log is appended to; empty: standard output.")
    ] = ""
    access_log_query: Annotated[
        bool, Meta(description="Whether the access log has queries, which may hold secrets.")
    ] = False
    routes: Annotated[
        tuple[RouteSettings, ...], Meta(description="[[routes]] tables, in the file only.")
    ] = ()
    plugins: Annotated[
        dict[str, dict[str, object]],
        Meta(description="[plugins.NAME] tables, in the file only: the plugins to load."),
    ] = {}

    @property
    def edge_base(self) -> str:
        """The URL that the edge listens on; people may know it by another name."""
        return base_url(self.host, self.port, is_secure=bool(self.tls_certificate))

    @property
    def service_base(self) -> str:
        """The URL that browsers reach the service by, without a slash at its end."""
        is_secure = bool(self.service_tls_certificate)
        listens = base_url(self.service_host, self.service_port, is_secure=is_secure)
        return self.service_url.rstrip("/") or listens


def base_url(host: str, port: int, *, is_secure: bool) -> str:
    """Return the URL of a listener, without a slash at its end."""
    scheme = "https" if is_secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
