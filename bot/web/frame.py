"""The frame of the few pages that people open outside Slack: no script, nothing from elsewhere.

Everything is in one answer, which nobody may keep, frame, or learn the address of. The style stands
in the page and is allowed by its hash.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from html import escape
from typing import Final

from aiohttp import web

STYLE: Final = """
:root {
  --paper: #fbfaf6; --surface: #fff; --line: #c9c4b6; --ink: #1e2522; --soft: #5b655f;
  --accent: #1c6b5a; --on-accent: #fff; --sunken: #f3f1ea; --danger: #b0281f;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171c1a; --surface: #1e2422; --line: #47524d; --ink: #e7ebe8; --soft: #a3afa9;
    --accent: #58b99d; --on-accent: #0b1f19; --sunken: #121614; --danger: #ff8d82;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: clamp(1rem, 6vh, 4rem) 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial,
    sans-serif;
}
main {
  max-width: 36rem; margin: 0 auto; padding: clamp(1.25rem, 5vw, 2.25rem);
  background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
}
header { max-width: 36rem; margin: 0 auto .75rem; color: var(--soft); }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .9375rem; }
.wrong { color: var(--danger); }
main > :last-child { margin-bottom: 0; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input {
  display: block; width: 100%; margin-bottom: 1rem; padding: .625rem .75rem; color: inherit;
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px; font: inherit;
}
input[type=file] { padding: 1.5rem .75rem; border-style: dashed; }
input.code { max-width: 12rem; letter-spacing: .12em; text-transform: uppercase; }
code, input.code, .secret {
  font-family: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono",
    monospace;
}
.secret {
  margin: 0 0 1rem; padding: .75rem; background: var(--sunken); border: 1px solid var(--line);
  border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all;
  -webkit-user-select: all;
}
button {
  min-height: 2.75rem; padding: .5rem 1.25rem; color: var(--on-accent); background: var(--accent);
  border: 0; border-radius: 6px; font: inherit; font-weight: 600; cursor: pointer;
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_HASH: Final = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
}


def page(title: str, *parts: str, status: int = 200) -> web.Response:
    """A page: its heading, and parts that are HTML already (see `line`, `field`)."""
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · Registrar</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>Registrar</header>\n<main>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )
    return web.Response(
        text=text, status=status, content_type="text/html", charset="utf-8", headers=HEADERS
    )


def line(text: str, kind: str = "") -> str:
    """A paragraph of plain text; of the `kind` soft or wrong. What is wrong is read out at once."""
    role = ' role="alert"' if kind == "wrong" else ""
    return f"<p{_class(kind)}{role}>{escape(text)}</p>"


def field(
    name: str, label: str, hint: str, *, kind: str = "", wrong: str = "", value: str = ""
) -> str:
    """A text field with its label and hint, and what is wrong with what was typed.

    The cursor is in it, unless it has a `value`.
    """
    told = f'<p class="wrong" id="{name}-wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    described = f"{name}-wrong {name}-hint" if wrong else f"{name}-hint"
    invalid = ' aria-invalid="true"' if wrong else ""
    begun = f'value="{escape(value)}"' if value else "autofocus"
    return (
        f'<label for="{name}">{escape(label)}</label>\n'
        f'<p class="soft" id="{name}-hint">{escape(hint)}</p>\n{told}'
        f'<input id="{name}" name="{name}"{_class(kind)} type="text" maxlength="64" required '
        f'{begun} autocomplete="off" autocapitalize="characters" spellcheck="false" '
        f'aria-describedby="{described}"{invalid}>'
    )


def masked_field(name: str, label: str, hint: str, *, wrong: str = "", focus: bool = False) -> str:
    """A field for a secret: what is typed is not seen, and what was typed never comes back."""
    kind = 'type="password" autocomplete="off" spellcheck="false"'
    return _hidden(name, label, hint, f"{kind} autofocus" if focus else kind, wrong)


def plain_field(name: str, label: str, hint: str, *, wrong: str = "", focus: bool = False) -> str:
    """A field for an answer beside the secrets; what was typed does not come back either."""
    kind = 'type="text" autocomplete="off" spellcheck="false"'
    return _hidden(name, label, hint, f"{kind} autofocus" if focus else kind, wrong)


def file_field(name: str, label: str, hint: str, *, wrong: str = "") -> str:
    """A place for a file that is a secret, also to drop it there."""
    return _hidden(name, label, hint, 'type="file"', wrong)


def _hidden(name: str, label: str, hint: str, kind: str, wrong: str) -> str:
    told = f'<p class="wrong" id="{name}-wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    told += f'<p class="soft" id="{name}-hint">{escape(hint)}</p>\n' if hint else ""
    ids = [each for each, there in ((f"{name}-wrong", wrong), (f"{name}-hint", hint)) if there]
    described = f' aria-describedby="{" ".join(ids)}"' if ids else ""
    invalid = ' aria-invalid="true"' if wrong else ""
    return (
        f'<label for="{name}">{escape(label)}</label>\n{told}'
        f'<input id="{name}" name="{name}" {kind}{described}{invalid}>'
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
