"""House rules that neither imports nor ruff can check, read off the syntax trees of all packages."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import twap_client
import twap_models

PACKAGES = Path(__file__).parents[2] / "packages"
SERVER = "twap_server/"

EXACT = (
    "twap_models/orders.py",
    "twap_models/market.py",
    "twap_models/report.py",
    "twap_server/domain/",
    "twap_server/engine/",
    "twap_server/store/",
    "twap_server/books/",
    "twap_server/exchanges/",
)
"""Where money and times are decided: no float."""

FLOAT_ALLOWED = {
    "twap_server/domain/market/levels.py": "ranks only order levels; Decimals decide equal ranks",
    "twap_server/domain/market/symbology.py": "how alike two names must be to be suggested",
    "twap_server/domain/clock.py": "seconds to sleep: the event loop takes a float",
    "twap_server/engine/engine.py": "seconds to sleep: the event loop takes a float",
}

MAX_FUNCTION = 40
LONG_FUNCTION_ALLOWED: dict[str, str] = {
    "twap_server/store/migrations/versions/0001_first_tables.py:_create_orders": "a table is a list",
}

TIME_ALLOWED = {"twap_server/clock.py": "the one place"}
TIME_CALLS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.sleep",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "date.today",
    "asyncio.sleep",
}
BANNED_CALLS = {"asyncio.create_task", "asyncio.ensure_future"}
UNBOUNDED = {"asyncio.Queue", "queue.Queue", "asyncio.LifoQueue", "asyncio.PriorityQueue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file; ``name`` is its path from the folder of sources."""

    name: str
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted(PACKAGES.glob("*/src/**/*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.as_posix().partition("/src/")[2]
        found.append(Module(name=name, text=text, tree=ast.parse(text)))
    assert len(found) > 100, "the packages were not found"
    return tuple(found)


def violations(rule: Callable[[Module], Iterator[str]], *, under: tuple[str, ...] = ("",)) -> list[str]:
    return [f"{one.name}: {what}" for one in modules() if one.name.startswith(under) for what in rule(one)]


def none(found: list[str]) -> None:
    assert not found, "\n".join(["", *found])


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def floats(one: Module) -> Iterator[str]:
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Name) and node.id == "float":
            yield f"line {node.lineno} names float"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno} writes {node.value!r}"


def test_money_and_time_are_decided_without_float() -> None:
    found = violations(floats, under=EXACT)
    none([text for text in found if text.partition(":")[0] not in FLOAT_ALLOWED])


def test_no_float_is_allowed_in_vain() -> None:
    used = {text.partition(":")[0] for text in violations(floats, under=EXACT)}
    assert set(FLOAT_ALLOWED) - used == set()


def test_no_global() -> None:
    def rule(one: Module) -> Iterator[str]:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Global):
                yield f"line {node.lineno} says global {', '.join(node.names)}"

    none(violations(rule))


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Where the work begins: signature and docstring are not what makes a function long."""
    has_docstring = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1 if has_docstring else 0].lineno


def test_functions_stay_short() -> None:
    def rule(one: Module) -> Iterator[str]:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - _first_line(node) + 1
                if lines > MAX_FUNCTION and f"{one.name}:{node.name}" not in LONG_FUNCTION_ALLOWED:
                    yield f"line {node.lineno} {node.name} has {lines} lines"

    none(violations(rule))


def test_every_module_says_what_it_is() -> None:
    def rule(one: Module) -> Iterator[str]:
        if not ast.get_docstring(one.tree):
            yield "no docstring"

    none(violations(rule))


def test_no_relative_imports() -> None:
    def rule(one: Module) -> Iterator[str]:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield f"line {node.lineno}"

    none(violations(rule))


def calls_to(names: set[str]) -> Callable[[Module], Iterator[str]]:
    def rule(one: Module) -> Iterator[str]:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Call) and dotted(node.func) in names:
                yield f"line {node.lineno} calls {dotted(node.func)}"

    return rule


def test_every_task_has_an_owner() -> None:
    none(violations(calls_to(BANNED_CALLS)))


def test_every_queue_has_a_bound() -> None:
    none(violations(calls_to(UNBOUNDED)))


def test_only_the_clock_reads_the_servers_time() -> None:
    def rule(one: Module) -> Iterator[str]:
        for node in ast.walk(one.tree):
            if not isinstance(node, ast.Call) or dotted(node.func) not in TIME_CALLS:
                continue
            yields_once = dotted(node.func) == "asyncio.sleep" and [
                arg.value for arg in node.args if isinstance(arg, ast.Constant)
            ] == [0]
            if one.name not in TIME_ALLOWED and not yields_once:
                yield f"line {node.lineno} calls {dotted(node.func)}"

    none(violations(rule, under=(SERVER,)))


def test_the_clock_reads_it() -> None:
    assert violations(calls_to(TIME_CALLS), under=tuple(TIME_ALLOWED)) != []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x: float = 1", "line 1 names float"),
        ("x = 0.5", "line 1 writes 0.5"),
        ("x = 1e9", "line 1 writes 1000000000.0"),
    ],
)
def test_the_float_rule_sees(source: str, what: str) -> None:
    assert list(floats(Module(name="x", text=source, tree=ast.parse(source)))) == [what]


def test_what_the_models_export_is_pinned() -> None:
    assert sorted(twap_models.__all__) == sorted(
        [
            "AccessToken",
            "Account",
            "ApiKey",
            "BookHealth",
            "BookMessage",
            "BookStatus",
            "BookTop",
            "BrokenRule",
            "BrowserSignIn",
            "Candle",
            "Carry",
            "CostEstimate",
            "CostForecast",
            "CostPage",
            "CostSpread",
            "CostSummary",
            "Credentials",
            "DemoAccount",
            "ErrorCode",
            "Exchange",
            "ExchangeState",
            "ExecutionReport",
            "ExpectedCost",
            "ExpectedRealism",
            "Fidelity",
            "FieldError",
            "Fill",
            "FillState",
            "GoLiveCheck",
            "GoLiveFinding",
            "GoLiveRule",
            "GoLiveVerdict",
            "Instrument",
            "InstrumentKind",
            "Integrity",
            "Interval",
            "Invite",
            "KlineMessage",
            "LateStart",
            "Level",
            "ListedTournament",
            "MarketMode",
            "NewApiKey",
            "NewInvite",
            "OrderCost",
            "OrderEvent",
            "OrderEventType",
            "OrderPreview",
            "OrderProof",
            "OrderRealism",
            "OrderStatus",
            "OwnLevels",
            "PairedDifference",
            "PlannedSlice",
            "PlayedRecording",
            "Problem",
            "PublicTrade",
            "RealismFigures",
            "RegistrationMode",
            "RejectReason",
            "ResultGroup",
            "Scope",
            "ServerInfo",
            "Side",
            "SignInMethods",
            "Slice",
            "SliceOutcome",
            "SliceReason",
            "StatusChange",
            "StrategyOrderRequest",
            "StrategyParameters",
            "StrategyResult",
            "TakerFee",
            "TournamentResult",
            "TournamentRun",
            "TradeMessage",
            "TwapOrder",
            "TwapOrderAmendment",
            "TwapOrderDetail",
            "TwapOrderRequest",
            "Verdict",
            "__version__",
        ]
    )
    assert all(hasattr(twap_models, name) for name in twap_models.__all__)


def test_what_the_client_exports_is_pinned() -> None:
    assert sorted(twap_client.__all__) == sorted(
        [
            "ApiError",
            "BadRequest",
            "ClientConfig",
            "Conflict",
            "ConnectFailed",
            "ConnectionLost",
            "Disconnected",
            "Gap",
            "InvalidSetting",
            "InvalidValue",
            "KEEP",
            "MemoryTokenStore",
            "NaiveTime",
            "NotAuthenticated",
            "NotFound",
            "NotPermitted",
            "NotReady",
            "ProtocolMismatch",
            "RateLimited",
            "Reconnected",
            "RequestTimedOut",
            "RevisionMismatch",
            "RevisionMissing",
            "ServerError",
            "StillOpen",
            "StreamClosed",
            "StreamError",
            "StreamItem",
            "SubscriptionRefused",
            "TokenStore",
            "Tokens",
            "TransportError",
            "TwapClient",
            "TwapClientError",
            "TwapStream",
            "Unavailable",
            "Unencodable",
            "UsageError",
            "WrongEventLoop",
            "__version__",
        ]
    )
    assert all(hasattr(twap_client, name) for name in twap_client.__all__)


def test_no_two_classes_of_a_package_share_a_name() -> None:
    """Two things, two names. The wire models of exchanges and of clients have the names of what they show."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(PACKAGES.glob("*/src/**/*.py")):
        where = file.relative_to(PACKAGES).parts
        if "exchanges" in where and file.name == "wire.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault((where[0], node.name), []).append("/".join(where[3:]))
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
