"""``twap-server doctor``: looks at everything that a server needs, says what is wrong and what to do.

It changes nothing and takes no lock, so it may run beside a server.
"""

from twap_server.bootstrap.doctor.finding import Finding, Level, worst
from twap_server.bootstrap.doctor.rounds import examine

__all__ = ["Finding", "Level", "examine", "worst"]
