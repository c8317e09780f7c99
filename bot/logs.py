"""Structured logs that cannot hold a secret: one JSON object a line, redacted by name and by shape.

The secret type already prints as `***`; this is the second net, for what libraries log and for what
sits inside a vendor's message.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

from bot.core.secret import MASK, Secret

_NAMES: Final = re.compile(
    r"(?i)(secret|password|passwd|token(?!s?_expir)|authorization|private|credential_blob|api_?key"
    r"|assertion|cookie|service_account_json|response_url|signature|encryption_keys)"
)
_SHAPES: Final = re.compile(
    r"(?:gh[pousr]_|github_pat_|glpat-|gldt-|dckr_[po]at_|xox[abposr]-|xapp-|SCW|rgct_)"
    r"[A-Za-z0-9_\-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"
    r"|(?P<keep>(?:Basic|Bearer)\s"
    r"|[?&](?:token|ticket|access_token|assertion|password|secret|sig)="
    r"|/response/|/secret/|hooks\.slack\.com/)[A-Za-z0-9+/=_\-.~%]{6,}"
    r"|(?P<scheme>://)[^/@\s:]+:[^/@\s]+(?=@)",
    re.DOTALL,
)


# At DEBUG these log whole requests, bodies and SQL parameters: what was typed into a form, too.
CHATTY: Final = (
    *("slack_bolt", "slack_sdk", "httpx", "httpcore", "aiohttp"),
    *("aiosqlite", "botocore", "boto3", "urllib3"),
)


def _fit_to_write(record: logging.LogRecord) -> bool:
    """Judged where it is written: Bolt gives each of its loggers the root's level by itself."""
    return record.levelno > logging.DEBUG or not record.name.startswith(CHATTY)


def _mask(found: re.Match[str]) -> str:
    return (found["keep"] or found["scheme"] or "") + MASK


def redact(value: Any, name: str = "") -> Any:
    """`value` without what looks like a secret, by the name it goes by or by its shape."""
    if isinstance(value, Secret):
        return MASK
    if name and value is not None and not isinstance(value, bool | int) and _NAMES.search(name):
        return MASK
    if isinstance(value, str):
        return _SHAPES.sub(_mask, value)
    if isinstance(value, Mapping):
        return {key: redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return value


def _redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: redact(value, key) for key, value in event.items()}


def _render(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """One JSON line, redacted once more: an object's own repr is only known when it is rendered."""
    line = structlog.processors.JSONRenderer(default=_safe)(logger, method, event)
    return _SHAPES.sub(_mask, str(line))


def configure_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers to `stream` (stderr) as redacted JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact_event,
                _render,
            ],
        )
    )
    handler.addFilter(_fit_to_write)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def _safe(value: Any) -> str:
    """How an object that is not JSON is logged: its redacted repr."""
    return str(redact(repr(value)))
