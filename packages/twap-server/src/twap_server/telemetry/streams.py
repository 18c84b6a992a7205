"""Manage the process's standard streams, apart from its log."""

import os
import sys


def take_closed_streams() -> None:
    """Open what the process was started without: it reads nothing, and takes everything.

    By number, so that no file of ours becomes its stderr; and by name, where Python has None.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115 -- lives on
