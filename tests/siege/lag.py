"""How late the server's event loop was, from two readings of its histogram."""

from collections.abc import Mapping

_BUCKET = 'twap_event_loop_lag_seconds_bucket{le="'


def lag_p99(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The bound, in seconds, of the bucket in which the 99th percentile lies; 0 where nothing was counted."""
    grown = sorted(
        (float(name.removeprefix(_BUCKET).rstrip('"}').replace("+Inf", "inf")), count - before.get(name, 0.0))
        for name, count in after.items()
        if name.startswith(_BUCKET)
    )
    total = grown[-1][1] if grown else 0.0
    return next((bound for bound, count in grown if total and count >= 0.99 * total), 0.0)
