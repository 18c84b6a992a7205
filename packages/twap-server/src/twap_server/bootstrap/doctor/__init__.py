"""Run ``twap-server doctor``: check everything a server needs, say what is wrong and what to do.

It changes nothing and takes no lock, so it may run beside a server.
"""

from twap_server.bootstrap.doctor.checks import examine
from twap_server.bootstrap.doctor.finding import Finding, Severity, worst

__all__ = ["Finding", "Severity", "examine", "worst"]
