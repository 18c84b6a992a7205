"""The guards of F157–F166: the log, the signing key, backups and what is built."""

from bites.case import Bite

LINES = "server/telemetry/test_lines.py::"
BACKUP = "server/store/test_backup.py::"

UPKEEP_BITES = (
    Bite(
        fault="F157",
        guard="log lines that wait for their reader are bounded",
        file="telemetry/lines.py",
        line="        fits = len(self._waiting) < self._most and self._bytes + size <= self._most_bytes\n",
        instead="        fits = True\n",
        tests=(LINES + "test_nobody_waits_for_a_reader_that_takes_nothing",),
    ),
    Bite(
        fault="F157",
        guard="the end waits for no reader of the log",
        file="telemetry/lines.py",
        line="        self._thread.join(within_s)\n",
        instead="        self._thread.join()\n",
        tests=(LINES + "test_the_end_does_not_wait_for_a_reader",),
    ),
    Bite(
        fault="F157",
        guard="who logs takes no lock that the thread of the lines may want",
        file="telemetry/logs.py",
        line="            self.emit(record)\n",
        instead="            self.acquire()\n            self.emit(record)\n            self.release()\n",
        tests=("server/telemetry/test_logs.py::test_who_logs_in_the_thread_of_the_lines_waits_for_nobody",),
    ),
    Bite(
        fault="F158",
        guard="a place that logs too much is cut short",
        file="telemetry/logs.py",
        line="        return place.count <= _MOST_ALIKE\n",
        instead="        return True\n",
        tests=("server/telemetry/test_logs.py::test_a_place_that_logs_too_much_is_cut_short_and_counted",),
    ),
    Bite(
        fault="F159",
        guard="a signing key that others may read is refused",
        file="bootstrap/signing_key.py",
        line="    if mode := stat.S_IMODE(about.st_mode) & 0o077:\n",
        instead="    if mode := 0:\n",
        tests=("server/bootstrap/test_signing_key.py::test_one_that_others_may_read_or_write_is_refused",),
    ),
    Bite(
        fault="F160",
        guard="a backup is of one moment",
        file="store/sqlite_copy.py",
        line='        source.execute("BEGIN")\n',
        instead="",
        tests=(BACKUP + "TestSqlite::test_a_long_copy_is_not_begun_anew_by_who_writes",),
    ),
    Bite(
        fault="F161",
        guard="a backup counts only as it was written",
        file="bootstrap/archive.py",
        line="    if left or digest.hexdigest() != about.sha256:\n",
        instead="    if left:\n",
        tests=(BACKUP + "TestBoth::test_a_copy_that_is_not_what_its_digest_says_is_refused",),
    ),
    Bite(
        fault="F162",
        guard="nothing is restored under a running server",
        file="bootstrap/backup.py",
        line="    with sqlite_copy.held(path), archive.work_folder(path) as folder:\n",
        instead="    with archive.work_folder(path) as folder:\n",
        tests=(BACKUP + "TestBoth::test_no_backup_is_restored_under_a_running_server",),
    ),
    Bite(
        fault="F162",
        guard="what a restore replaces is kept",
        file="store/sqlite_copy.py",
        line="            _link(path, kept)\n",
        instead="",
        tests=(BACKUP + "TestBoth::test_what_was_backed_up_is_restored_and_what_was_there_is_kept",),
    ),
    Bite(
        fault="F163",
        guard="a server that lost its connection cannot go on after a restore",
        file="store/postgresql_copy.py",
        line="                await holder.run_sync(count_on, above=last)\n",
        instead="",
        tests=(BACKUP + "TestPostgresql::test_a_server_that_lost_its_connection_notices_the_restore",),
    ),
)
