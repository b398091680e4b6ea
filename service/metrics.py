"""What the service counts, for Prometheus: one function for each thing that happens.

The numbers belong to the process, so they are kept by the module; whoever counts calls a function and needs no handle.
Labels take only the values written here or in the code, never what a client sent, so that no client can make them grow.

Where several processes serve, `service.shared_folder` has had prometheus_client keep what is counted in files that
all of them read; what serves, and which release, is told by whichever process is asked.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from service.release import RELEASE

Refusal = Literal["queue", "rate", "size", "slow", "host", "key"]
BuildOutcome = Literal["activated", "kept", "failed"]
AnswerOutcome = Literal["answered", "refused"]

#: What generate_latest writes.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Seconds. A question takes 5 to 50 ms, a full queue a second; the last ones are for what should not happen.
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_requests = Counter(
    "citewell_requests",
    "Requests by route and status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
_request_s = Histogram(
    "citewell_request_duration_seconds",
    "From the first byte of a request to the last of its reply.",
    ["route"],
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
_stage_s = Histogram(
    "citewell_stage_duration_seconds",
    "Where the time of a question goes: queue, embed, search, answer, serialise.",
    ["stage"],
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
# Of those processes that live.
_in_flight = Gauge(
    "citewell_requests_in_flight",
    "Requests that are being answered.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_queue_depth = Gauge(
    "citewell_queue_depth",
    "Questions that wait for a thread or are on one.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_refused = Counter(
    "citewell_refused_requests", "Requests that were turned away, by reason.", ["reason"], registry=REGISTRY
)
_answers = Counter(
    "citewell_answers",
    "Replies to questions: answered, or refused as not answerable.",
    ["outcome"],
    registry=REGISTRY,
)
_notices = Counter("citewell_notices", "Notices shown, by kind.", ["kind"], registry=REGISTRY)
_builds = Counter("citewell_builds", "Builds of an index, by outcome.", ["outcome"], registry=REGISTRY)
_jobs = Counter("citewell_jobs", "Jobs that have ended, by state.", ["state"], registry=REGISTRY)
_lookups = Counter(
    "citewell_cache_lookups",
    "Lookups in a cache, by result: hit or miss.",
    ["cache", "result"],
    registry=REGISTRY,
)
_swaps = Counter("citewell_index_swaps", "Changes to another version while serving.", registry=REGISTRY)


class _Serving(Collector):
    """What this process serves now, which is nothing to add up."""

    def __init__(self) -> None:
        self.snapshot: tuple[str, str] | None = None  # version and encoder
        self.age_s = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield each as a gauge."""
        snapshot = GaugeMetricFamily(
            "citewell_snapshot",
            "1 for the version that serves, with its encoder.",
            labels=["version", "model"],
        )
        if self.snapshot is not None:
            snapshot.add_metric(self.snapshot, 1)
        yield snapshot
        yield GaugeMetricFamily(
            "citewell_snapshot_age_seconds", "Since the serving version was built.", value=self.age_s
        )
        yield GaugeMetricFamily(
            "citewell_ready",
            "1 when questions can be answered, else 0.",
            value=float(self.snapshot is not None),
        )
        release = GaugeMetricFamily("citewell_release", "1 for the release that runs.", labels=["version"])
        release.add_metric([RELEASE], 1)
        yield release


_serving = _Serving()
REGISTRY.register(_serving)
#: What all processes counted, where there are several, with what this one serves.
_shared: CollectorRegistry | None = None
if values.ValueClass is not values.MutexValue:
    _shared = CollectorRegistry()
    MultiProcessCollector(_shared)  # type: ignore[no-untyped-call]  # the package does not say what it takes
    _shared.register(_serving)


def request_began() -> None:
    """Count a request as being answered."""
    _in_flight.inc()


def request_ended(*, method: str, route: str, status: int, took_s: float) -> None:
    """Count a request that was answered.

    Args:
        method: One of HTTP's own, or "other".
        route: The template of its address, as in `/v1/documents/{doc_id}`.
        status: What it was answered with.
        took_s: Seconds.
    """
    _in_flight.dec()
    _requests.labels(method=method, route=route, status=str(status)).inc()
    _request_s.labels(route=route).observe(took_s)


def observe_stage(stage: str, took_s: float) -> None:
    """Note how long one stage of one request took; the name must come from the code."""
    _stage_s.labels(stage=stage).observe(took_s)


def set_queue_depth(depth: int) -> None:
    """Note how many questions are held."""
    _queue_depth.set(depth)


def count_refusal(reason: Refusal) -> None:
    """Count a request that was turned away."""
    _refused.labels(reason=reason).inc()


def count_answer(outcome: AnswerOutcome) -> None:
    """Count a reply to a question."""
    _answers.labels(outcome=outcome).inc()


def count_notice(kind: str) -> None:
    """Count a notice that was shown; the kind must come from the code."""
    _notices.labels(kind=kind).inc()


def count_build(outcome: BuildOutcome) -> None:
    """Count a build that was run for the service."""
    _builds.labels(outcome=outcome).inc()


def count_job(state: str) -> None:
    """Count a job that has ended; the state must come from the code."""
    _jobs.labels(state=state).inc()


def count_cache(cache: str, *, hit: bool) -> None:
    """Count a lookup in a cache; its name must come from the code."""
    _lookups.labels(cache=cache, result="hit" if hit else "miss").inc()


def count_swap() -> None:
    """Count a change to another version."""
    _swaps.inc()


def describe_snapshot(*, version: str, model: str, built_at: str) -> None:
    """Name the version that serves; the one before is forgotten."""
    _serving.snapshot = version, model
    _serving.age_s = time.time() - datetime.fromisoformat(built_at).timestamp()


def describe_no_snapshot() -> None:
    """Say that nothing serves."""
    _serving.snapshot = None


def exposition() -> bytes:
    """Return all numbers as Prometheus reads them."""
    return generate_latest(_shared or REGISTRY)
