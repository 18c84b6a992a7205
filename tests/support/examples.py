"""With how many examples a property is tried: some beside the whole suite, all in a step of its own.

``hatch test -- -m hypothesis --hypothesis-profile thorough`` takes all. What needs more than most says so
by ``of``.
"""

from typing import Final

from hypothesis import HealthCheck, settings

USUAL: Final = 100
"""Of a property, where all are taken."""
_SHARE: Final = 30


def register() -> None:
    """Make the profiles known, and take the one of the whole suite."""
    # How long an example takes says how busy the machine is, and nothing of what is tested.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=_SHARE)
    settings.register_profile("patient", patient)
    settings.register_profile("thorough", patient, max_examples=USUAL)
    settings.load_profile("patient")


def of(count: int) -> int:
    """So many where all are taken, the same share of them elsewhere."""
    return max(1, count * settings().max_examples // USUAL)
