"""What the commands of ``twap-server`` share."""

import io
import sys

import pytest

from twap_server.cli.running import say


def test_a_line_that_the_terminal_cannot_show_is_said_with_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a backup whose file has an odd name: it is done, and must not end in an error."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    say("b\udcff: 12 Büros")
    assert written.getvalue() == b"b\\udcff: 12 B\\xfcros\n"
