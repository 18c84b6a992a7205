"""Read the tournaments in the server's folder: what ways to execute cost on the same recorded markets."""

from urllib.parse import quote

from pydantic import TypeAdapter

from twap_client._transport import Call, Timeout, Transport, read_model
from twap_client.errors import UsageError
from twap_models import ListedTournament, TournamentResult, TournamentRun

_LISTED: TypeAdapter[list[ListedTournament]] = TypeAdapter(list[ListedTournament])
_RESULT = TypeAdapter(TournamentResult)


class Tournaments:
    """``client.tournaments``. All of it needs a sign-in; nothing can be changed."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, timeout: Timeout = None) -> list[ListedTournament]:
        """List the newest 200, newest first; one whose result cannot be read says why in ``problem``."""
        call = Call(method="GET", path="/tournaments", repeatable=True, timeout=timeout)
        return read_model(_LISTED, await self._transport.send(call))

    async def get(self, name: str, *, timeout: Timeout = None) -> TournamentResult:
        """Fetch what a tournament came to: each strategy's cost and risk, paired differences, runs.

        Args:
            name: as ``list`` gives it.
            timeout: how long this call may take, retries included, instead of what the config says.

        Raises:
            NotFound: there is none of that name, or its result cannot be read.
        """
        call = Call(method="GET", path=_path(name), repeatable=True, timeout=timeout)
        return read_model(_RESULT, await self._transport.send(call))

    async def page(self, name: str, *, timeout: Timeout = None) -> str:
        """Fetch a tournament as one page, which needs no other file and no network.

        Raises:
            NotFound: there is none of that name, or it has no page.
        """
        return await self._file(f"{_path(name)}/page", timeout)

    async def report(self, name: str, run: TournamentRun | str, *, timeout: Timeout = None) -> str:
        """Fetch the execution report of one run as a page.

        Args:
            name: as ``list`` gives it.
            run: one of the result's ``orders``, or its ``report``.
            timeout: how long this call may take, retries included, instead of what the config says.

        Raises:
            NotFound: there is no such tournament or report.
            UsageError: no report was written of this run.
        """
        report = run if isinstance(run, str) else run.report
        if not report:
            raise UsageError("no report was written of this run: `twap-server tournament --reports all` does")
        file = report.removeprefix("reports/")
        return await self._file(f"{_path(name)}/reports/{quote(file, safe='')}", timeout)

    async def _file(self, path: str, timeout: Timeout) -> str:
        call = Call(method="GET", path=path, repeatable=True, as_text=True, timeout=timeout)
        text: str = (await self._transport.send(call)).body
        return text


def _path(name: str) -> str:
    return f"/tournaments/{quote(name, safe='')}"
