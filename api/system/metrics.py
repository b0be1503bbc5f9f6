"""Figures of this process for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

LISTENERS = Gauge("lucy_event_listeners", "Open event streams of this process")

_REQUESTS = Counter("lucy_http_requests_total", "Requests answered", ["method", "route", "status"])
_SECONDS = Histogram(
    "lucy_http_request_seconds",
    "Time from a request's first byte to its answer's first",
    ["method", "route"],
    # design: an order's own share is 3 ms at the median and 15 ms at the 99th percentile; a broker takes up to seconds
    buckets=(0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. ``route`` is the template, never the path: ids would make a series each."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)
