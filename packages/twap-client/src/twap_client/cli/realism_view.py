"""Read --realism, and say in words what an order's slices meet on their way."""

from datetime import timedelta
from decimal import Decimal

from twap_models.reading import number
from twap_models.realism import ExpectedRealism, OrderRealism

IDEAL = "ideal"
_PERCENT = Decimal(100)
_MILLISECOND = timedelta(milliseconds=1)


def read_realism(text: str | None) -> str | dict[str, str] | None:
    """A profile's name as it is; ``latency=40ms,fees=published`` as fields. What is wrong is told later."""
    if text is None or "=" not in text:
        return text
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


def realism_words(realism: str | OrderRealism) -> str:
    """What an order was accepted under."""
    if isinstance(realism, str):
        return realism
    words = [
        f"latency {_millis(realism.latency)} ± {_millis(realism.latency_spread)} ms",
        str(realism.impact),
    ]
    if realism.impact_half_life is not None:
        words.append(f"half-life {realism.impact_half_life.total_seconds():g} s")
    return ", ".join([*words, f"fees {realism.fees}"])


def expected_words(made: ExpectedRealism) -> str:
    """What a preview says of the way: latency, impact, fees."""
    words = [f"realism {made.profile}"]
    if made.latency_to:
        words.append(f"slices arrive after {_millis(made.latency_from)} to {_millis(made.latency_to)} ms")
    words.append("own impact " + str(made.impact).replace("_", " "))
    fees = (
        f"{one.exchange} {number(one.fee * _PERCENT)} %{' (published)' if one.published else ''}"
        for one in made.fees
    )
    return "; ".join([*words, f"fees {', '.join(fees)}"])


def _millis(length: timedelta) -> str:
    return f"{length / _MILLISECOND:g}"
