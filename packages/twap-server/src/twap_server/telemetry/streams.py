"""Manage the process's standard streams, apart from its log."""

import os


def take_closed_streams() -> None:
    """Open what the process was started without, so that no file of ours becomes its stderr by number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
