"""Build one node of several: some of the stages, with the others reached over NATS and PostgreSQL.

In: settings and roles. Out: a ``RunningNode``. What a role owns is decided by leases; what it needs of other
roles it gets through the ports that it has in one process, too.
"""

import asyncio
import logging
import os
import platform
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.node_app import create_node_app
from twap_server.api.reports_itself import SelfReport
from twap_server.api.services import Services
from twap_server.bootstrap.outside import Outside
from twap_server.clock import SteadyClock
from twap_server.cluster.config import Role
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.runtime.loops import HttpParser, http_parser
from twap_server.runtime.vitals import Vitals
from twap_server.settings import Settings

log = logging.getLogger(__name__)
