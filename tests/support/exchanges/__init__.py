"""What the shared tests need to know of each exchange: a module an exchange, ``CASE`` in it."""

from importlib import import_module

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.registry import EXCHANGES


def case_of(name: str) -> ExchangeCase:
    """The case of an exchange, by its name."""
    case: ExchangeCase = import_module(f"support.exchanges.{name.replace('-', '_')}").CASE
    return case


CASES = [case_of(shape.name) for shape in EXCHANGES]
