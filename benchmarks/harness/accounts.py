"""Accounts at a server under measurement, and single requests to it."""

import json
import urllib.request
from typing import Any


def signed_in(url: str, name: str) -> str:
    """Make an account; gives its access token."""
    ask(f"{url}/auth/register", json.dumps({"username": name, "password": "correct horse"}).encode())
    form = f"username={name}&password=correct+horse".encode()
    token: str = ask(f"{url}/auth/token", form, kind="application/x-www-form-urlencoded")["access_token"]
    return token


def ask(url: str, body: bytes | None = None, *, kind: str = "application/json", token: str = "") -> Any:
    """Ask over HTTP; gives the JSON that was answered."""
    headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as got:
        return json.load(got)
