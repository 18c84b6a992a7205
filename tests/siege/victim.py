"""Somebody with a book, an order and a password, who wants to notice nothing of what others do."""

import asyncio
import json
import time
from collections import Counter
from datetime import datetime

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from siege.accounts import PASSWORD, Account

_PATIENCE_S = 30.0
_SIGN_IN_EVERY_S = 2.0
_BOOK = {"channel": "book", "exchange": "binance", "symbol": "BTC-USDT"}


class Victim:
    """Follows a book and its own orders; submits one at a time; signs in every other second."""

    def __init__(self, url: str, account: Account) -> None:
        self._account = account
        self._url = url
        self._http = httpx.AsyncClient(base_url=url, headers={"X-API-Key": account.key}, timeout=_PATIENCE_S)
        self.gaps: list[float] = []
        """Seconds between two books of one stream."""
        self.not_live = 0
        """Books that were not live."""
        self.late: list[float] = []
        """Seconds from when a slice of the last order was due to when its event came."""
        self.slices: Counter[str] = Counter()
        """By outcome, those that are lost with their reason."""
        self.drops: list[str] = []
        """Why the stream was lost, each time."""
        self.sign_ins: list[float] = []
        self.refusals: Counter[str] = Counter()
        """Of sign-ins and submissions."""
        self.submissions: list[float] = []
        self._count = self._since = 0
        self._token = ""

    async def run(self) -> None:
        """Follow and sign in, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._sign_in())

    def clear(self) -> None:
        """Begin anew."""
        for each in (self.gaps, self.late, self.drops, self.sign_ins, self.submissions):
            each.clear()
        self.slices.clear()
        self.refusals.clear()
        self.not_live = 0

    async def submit(self, slices: int) -> None:
        """Order so many slices, one a second, from now on."""
        self._count += 1
        self._token = f"victim-{self._count}"
        order = {
            "token_id": self._token,
            "exchange": "binance",
            "symbol": "BTC-USDT",
            "side": "buy" if self._count % 2 else "sell",
            "quantity": f"{slices * 0.001:.3f}",
            "duration": slices,
            "interval": 1,
        }
        began = time.monotonic()
        try:
            answer = await self._http.post("/orders/twap", json=order)
        except httpx.HTTPError as error:
            self.refusals[f"order: {type(error).__name__}"] += 1
        else:
            if not answer.is_success:
                self.refusals[f"order: {answer.status_code} {answer.text[:200]}"] += 1
            elif (status := answer.json()[0]["status"]) == "Rejected":
                self.refusals[f"order: {status}, {answer.json()[0]['reason']}"] += 1
        self.submissions.append(time.monotonic() - began)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _sign_in(self) -> None:
        who = {"username": self._account.name, "password": PASSWORD}
        while True:
            began = time.monotonic()
            try:
                async with httpx.AsyncClient(base_url=self._url, timeout=_PATIENCE_S) as http:
                    answer = await http.post("/auth/token", data=who)
                if not answer.is_success:
                    self.refusals[f"sign-in: {answer.status_code}"] += 1
            except httpx.HTTPError as error:
                self.refusals[f"sign-in: {type(error).__name__}"] += 1
            self.sign_ins.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, _SIGN_IN_EVERY_S - (time.monotonic() - began)))

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except (OSError, WebSocketException) as error:
                self.drops.append(str(error) or type(error).__name__)
            await asyncio.sleep(0.5)

    async def _follow_once(self) -> None:
        url = self._url.replace("http", "ws") + "/ws"
        headers = {"X-API-Key": self._account.key}
        since = {"since": self._since} if self._since else {}
        async with connect(url, additional_headers=headers, compression=None, max_size=None) as stream:
            for wanted in (_BOOK, {"channel": "orders"} | since):
                await stream.send(json.dumps({"type": "subscribe"} | wanted))
            last: float | None = None
            async for text in stream:
                message = json.loads(text)
                if message["type"] == "book":
                    last = self._note_book(message["status"], last)
                elif message["type"] == "order_event":
                    self._since = message["seq"]
                    self._note_event(message)
            self.drops.append(f"closed with {stream.close_code}")

    def _note_book(self, status: str, last: float | None) -> float:
        now = time.monotonic()
        if last is not None:
            self.gaps.append(now - last)
        self.not_live += status != "live"
        return now

    def _note_event(self, message: dict[str, object]) -> None:
        piece = message.get("slice")
        if not isinstance(piece, dict) or message["token_id"] != self._token:
            return
        due = datetime.fromisoformat(piece["due_time"]).timestamp()
        self.late.append(time.time() - due)
        reason = piece["reason"]
        self.slices[f"{piece['outcome']}: {reason}" if reason else piece["outcome"]] += 1
