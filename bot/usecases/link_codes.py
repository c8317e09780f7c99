"""The parts that all links to pages outside Slack share: the link itself and its short code."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from bot.errors import InvalidInput

GOOD_FOR: Final = timedelta(minutes=15)
TRIES: Final = 3
CODE_LENGTH: Final = 6
_LINK: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# Crockford's letters: none that can be taken for another, and those that are typed are mended.
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT: Final = str.maketrans("OIL", "011", " -\t\u00a0\u2010\u2011\u2013")


def new_link() -> tuple[str, str]:
    """A link that cannot be guessed, and the code that is typed on its page."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))
    return secrets.token_urlsafe(32), code


def shown(code: str) -> str:
    """The code in the form that people read."""
    return f"{code[:3]}-{code[3:]}"


def meant(typed: str) -> str:
    """The code that somebody typed; InvalidInput on `code` when it cannot be one."""
    code = typed.upper().translate(_MEANT)
    if len(code) != CODE_LENGTH or not code.isascii():
        raise InvalidInput({"code": "Type the six letters and digits that Slack shows you."})
    return code


def shapely(link: str) -> bool:
    """Whether it can be a link; a database is asked for nothing else."""
    return _LINK.fullmatch(link) is not None


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
