"""Do passes side by side: in processes of this machine, on a Dask cluster, or one by one in this process.

All of it stands on ``concurrent.futures.Executor``: what a pass comes to does not depend on who played it.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from twap_models.installing import from_a_checkout
from twap_server.domain.errors import InvalidRequest, UnavailableError
from twap_server.lab.one_pass import Pass, PassResult, play
from twap_server.lab.reading import ReadingResult, ToRead, read

_CONNECT_S: Final = 10
_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
HERE: Final = 1
"""So many workers are this process itself."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who reads and plays: an executor and how much it does at once; without one, this process."""

    size: int
    executor: Executor | None = None

    def played(self, jobs: Sequence[Pass]) -> Iterator[tuple[Pass, PassResult]]:
        """Give each pass with its result, as they come.

        Raises:
            UnavailableError: who plays was lost.
        """
        return self._each(play, jobs)

    def read(self, jobs: Sequence[ToRead]) -> Iterator[tuple[ToRead, ReadingResult]]:
        """Give each recording with its result, as they come.

        Raises:
            UnavailableError: who reads was lost.
        """
        return self._each(read, jobs)

    def _each(self, work: Callable[[_Job], _Result], jobs: Sequence[_Job]) -> Iterator[tuple[_Job, _Result]]:
        """Give each job with its result; one that was given is forgotten, for it may hold many pages."""
        if self.executor is None:
            yield from ((job, work(job)) for job in jobs)
            return
        waiting = {self.executor.submit(work, job): job for job in jobs}
        try:
            for done in as_completed(waiting):
                yield waiting.pop(done), done.result()
                del done
        except BrokenProcessPool:
            raise UnavailableError(
                "a process of the pool ended by itself (was memory short?): what was done is kept; start it "
                "again with fewer --workers or --runs-per-pass"
            ) from None
        finally:
            for one in waiting:
                one.cancel()


@contextmanager
def crew(*, workers: int | None, scheduler: str | None) -> Iterator[Crew]:
    """Open who plays, until the block ends.

    Args:
        workers: processes; None: as many as there are processors.
        scheduler: address of a Dask scheduler, which knows its own workers.

    Raises:
        InvalidRequest: the extra for a cluster is not installed.
        UnavailableError: the scheduler does not answer, or has no worker.
    """
    if scheduler is not None:
        with _cluster(scheduler) as found:
            yield found
        return
    size = workers or _processors()
    if size == HERE:
        yield Crew(HERE)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(size, mp_context=spawn, initializer=_finish_the_pass) as pool:
        try:
            yield Crew(size, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _cluster(address: str) -> Iterator[Crew]:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise InvalidRequest(
            f"--scheduler needs the extra dask here and on each worker: {from_a_checkout('server', 'dask')}",
            field="--scheduler",
        ) from None
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UnavailableError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler`, and workers "
            f"with `dask worker {address}`"
        ) from None
    with client:
        size = sum(client.ncores().values())
        if not size:
            raise UnavailableError(
                f"the Dask scheduler at {address} has no worker: start one with `dask worker {address}`"
            )
        with client.get_executor(retries=2) as executor:
            yield Crew(size, executor)


def _finish_the_pass() -> None:
    """Ctrl-C reaches each process of the terminal: the command ends once the passes under way are done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processors() -> int:
    return os.cpu_count() or 1
