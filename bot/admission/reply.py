"""What the API server is answered, in the one form that it accepts.

Anything else, be it a missing uid, `allowed` as a text or a `patch`, counts as a failed call, which
a webhook with `failurePolicy: Ignore` lets through in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.admission.request import KIND, VERSION

Reply = dict[str, Any]
FORBIDDEN: Final = 403  # below 400 the server says that no explanation was given


def allow(uid: str, warnings: Sequence[str] = ()) -> Reply:
    """It may run; whoever deploys it is shown the warnings, each on one line."""
    told = {"warnings": list(warnings)} if warnings else {}
    return _reply(uid, {"allowed": True, **told})


def deny(uid: str, message: str) -> Reply:
    """It may not run; whoever deploys it is shown the message."""
    return _reply(uid, {"allowed": False, "status": {"code": FORBIDDEN, "message": message}})


def _reply(uid: str, response: Reply) -> Reply:
    return {"apiVersion": VERSION, "kind": KIND, "response": {"uid": uid, **response}}
