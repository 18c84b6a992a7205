"""What tests of the simulation make: an order, its first write, a run of the command."""

import os
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from support.orders import unlimited as plain_order
from twap_models.enums import OrderEventType, OrderStatus
from twap_server.domain.orders.order import Order, OrderEvent, OrderProgress
from twap_server.domain.orders.write import OrderWrite

SCRIPT = Path(__file__).parents[2] / "scripts/simulate.py"


def new_order() -> Order:
    """A buy of 1 in ten slices that nothing has happened to."""
    made = plain_order()
    return replace(made, progress=OrderProgress(status=OrderStatus.ACCEPTED))


def accepted(order: Order) -> OrderWrite:
    """Its first write."""
    event = OrderEvent(seq=1, type=OrderEventType.ACCEPTED, time=order.terms.created, order=order)
    return OrderWrite(order=order, is_new=True, events=(event,))


def simulate(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
