"""A broken invariant."""


class Violation(Exception):
    """Names the invariant (``I1``…``I15``) and says what was seen."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant
        self.text = text
