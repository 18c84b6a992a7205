"""What the commands of ``twap-server`` share."""

import io
import sys

import pytest

from twap_server.cli.running import fitting, say


def test_a_line_that_the_terminal_cannot_show_is_said_with_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a backup whose file has an odd name: it is done, and must not end in an error."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    say("b\udcff: 12 Büros")
    assert written.getvalue() == b"b\\udcff: 12 B\\xfcros\n"


def test_a_line_fits_its_terminal_and_goes_on_set_in() -> None:
    line = "  shortfall -13.14 bps: delay 0, timing -13.17, spread +0.02560, depth +0.003400, fees 0"
    shown = fitting(line, 80).splitlines()
    assert max(map(len, shown)) <= 80 and len(shown) == 2
    assert shown[0].startswith("  shortfall") and shown[1].startswith("    ")
    assert " ".join(one.strip() for one in shown) == line.strip()


def test_a_long_name_stays_in_one_piece() -> None:
    name = "/a/very/long/folder/" + 80 * "x"
    assert fitting(f"cannot read {name}: gone", 80).splitlines() == ["cannot read", f"  {name}:", "  gone"]
