"""The PostgreSQL that other tests stop and kill does what they rely on."""

import psutil
import pytest

from support.postgres import PostgresServer


@pytest.mark.parametrize("kill", [False, True])
def test_a_restart_keeps_what_was_committed(postgres: PostgresServer, kill: bool) -> None:
    with postgres.database() as url:
        name = url.rpartition("/")[2]
        postgres.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)", database=name)
        postgres.restart(kill=kill)
        assert postgres.sql("SELECT n FROM kept", database=name) == "7"
        assert postgres.url(name) == url, "the same port as before"


def test_a_killed_server_leaves_nothing_running(postgres: PostgresServer) -> None:
    postgres.kill()
    try:
        with pytest.raises(RuntimeError, match="refused"):
            postgres.sql("SELECT 1")
    finally:
        postgres.start()


def test_a_database_is_fresh_and_goes_away(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        name = url.rpartition("/")[2]
        assert (
            postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=name) == "0"
        )
    with pytest.raises(RuntimeError, match="does not exist"):
        postgres.sql("SELECT 1", database=name)


def test_a_server_is_removed_with_all_its_files() -> None:
    with PostgresServer() as server:
        folder, data = server._folder, server.log_folder.parent
        assert folder.is_dir()
        assert server.sql("SHOW data_directory") == str(data)
    assert not folder.exists() and not data.exists()
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(data) in str(one.info["cmdline"])]
