"""Define how the server lists tournaments; the result of one is ``twap_models.lab.TournamentResult``."""

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.fields import UtcDatetime


class ListedTournament(ResponseModel):
    """One tournament that lies in the server's folder."""

    name: str = Field(description="Of its folder: what the other routes are asked with.")
    title: str = Field(default="", description="As its file says; empty: none.")
    finished: UtcDatetime = Field(description="When its result was written.")
    cases: int
    runs: int
    strategies: list[str] = Field(description="Their names, in order.")
    baseline: str | None = None
    problem: str = Field(default="", description="Why its result cannot be read; then there are no figures.")
