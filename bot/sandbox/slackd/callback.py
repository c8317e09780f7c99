"""The other way to reach an app: signed HTTP requests to its Request URL."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import httpx

from bot.sandbox.slackd.limits import ACK_SECONDS
from bot.sandbox.slackd.link import NotAcked
from bot.sandbox.slackd.refusal import JSON


class Callback:
    """Delivers to `url` as Slack does without Socket Mode; `signing_secret` signs each body."""

    def __init__(self, url: str, signing_secret: str, ack_seconds: float = ACK_SECONDS) -> None:
        self._url = url
        self._secret = signing_secret.encode()
        self._http = httpx.AsyncClient(trust_env=False, timeout=ack_seconds)

    async def deliver(
        self, kind: str, payload: JSON, *, answerable: bool, attempt: int = 0, reason: str = ""
    ) -> JSON:
        """Send one request; see `bot.sandbox.slackd.link.Delivery`."""
        body, headers = _written(kind, payload)
        if attempt:
            headers["X-Slack-Retry-Num"] = str(attempt)
            headers["X-Slack-Retry-Reason"] = (
                "http_timeout" if reason == "timeout" else "http_error"
            )
        headers |= self._signature(body)
        try:
            answer = await self._http.post(self._url, content=body, headers=headers)
        except httpx.TimeoutException:
            raise NotAcked("operation_timeout") from None
        except httpx.TransportError:
            raise NotAcked("dispatch_failed") from None
        if answer.status_code != 200:
            raise NotAcked("dispatch_failed")
        return _answered(answer) if answerable else {}

    def _signature(self, body: bytes) -> dict[str, str]:
        # Real time even when the bot's clock was moved: the app compares it with the machine's.
        stamp = str(int(time.time()))
        signed = hmac.new(self._secret, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256)
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }

    async def close(self) -> None:
        await self._http.aclose()


def _written(kind: str, payload: JSON) -> tuple[bytes, dict[str, str]]:
    if kind == "events_api":
        return json.dumps(payload).encode(), {"Content-Type": "application/json"}
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def _answered(answer: httpx.Response) -> JSON:
    if not answer.content:
        return {}
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        try:
            body = answer.json()
        except ValueError:
            return {"text": answer.text}
        return body if isinstance(body, dict) else {"text": answer.text}
    return {"text": answer.text}
