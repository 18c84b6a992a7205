"""Find what talks over NATS: nodes alone need its library, which is the extra ``cluster``."""

from typing import TYPE_CHECKING

from twap_models.installing import from_a_checkout
from twap_server.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from twap_server.cluster.nats_messenger import NatsMessenger


def nats_messenger() -> "type[NatsMessenger]":
    """The ``Messenger`` over NATS.

    Raises:
        InvalidRequest: its library is not installed.
    """
    try:
        from twap_server.cluster.nats_messenger import NatsMessenger  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nats":
            raise
        raise InvalidRequest(
            f"several nodes need the extra cluster: {from_a_checkout('server', 'cluster')}",
            field="role",
        ) from None
    return NatsMessenger
