"""The way from the practice cluster to the bot: plain HTTP on loopback, as any cluster comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import httpx

from bot.core.secret import Secret
from bot.sandbox.cluster.objects import JSON, review
from bot.sandbox.cluster.verdict import CallFailed, Verdict, read

WEBHOOK_SECONDS: Final = 3
REPORT_SECONDS: Final = 30.0


class NotTaken(Exception):  # the tree's names say what happened
    """The inventory was not taken; the text says why, in the bot's own words where it had some."""


class Line:
    """One cluster's: `url` is the bot's web server, `cluster_id` and `token` are what it issued."""

    def __init__(self, url: str, cluster_id: str, token: Secret) -> None:
        self._id = cluster_id
        self._token = token
        self._http = httpx.AsyncClient(base_url=url, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    def use_token(self, token: Secret) -> None:
        self._token = token

    async def ask(self, obj: JSON, *, dry_run: bool = False) -> Verdict:
        """Whether `obj` may be created. Without an answer it may, as with `Ignore`."""
        uid = str(uuid4())
        try:
            answer = await self._http.post(
                f"/admission/{self._id}?timeout={WEBHOOK_SECONDS}s",
                json=review(obj, uid, dry_run=dry_run),
                headers={"User-Agent": "kube-apiserver-admission"},
                timeout=WEBHOOK_SECONDS,
            )
            if answer.status_code != httpx.codes.OK:
                raise CallFailed(f"The webhook answered with HTTP {answer.status_code}.")
            return read(answer.json(), uid)
        except (CallFailed, ValueError) as error:
            return Verdict(allowed=True, unasked=str(error))
        except httpx.HTTPError as error:
            return Verdict(allowed=True, unasked=f"No answer ({type(error).__name__}).")

    async def report(self, workloads: Sequence[JSON]) -> JSON:
        """Send the whole inventory; answers what the bot made of it, or raises NotTaken."""
        body: dict[str, Any] = {"run": uuid4().hex, "page": 1, "last": True, "workloads": workloads}
        try:
            answer = await self._http.post(
                f"/api/v1/clusters/{self._id}/inventory",
                json=body,
                headers={"Authorization": f"Bearer {self._token.reveal()}"},
                timeout=REPORT_SECONDS,
            )
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotTaken(f"The inventory did not arrive ({type(error).__name__}).") from None
        if answer.status_code != httpx.codes.OK or not isinstance(said, dict):
            raise NotTaken(str(said.get("error", "")) if isinstance(said, dict) else "")
        return said
