"""`/secret/enter/{link}`: takes the secrets of a form that waits in Slack, once, with a code.

Looking at the page changes nothing: Slack, and scanners of mail, open every link that they see.
Nothing that was typed is ever shown again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.core.secret import Secret
from bot.errors import InvalidInput, NotFound, RegistrarError, StoreError, WrongCode
from bot.kinds.base import Field
from bot.slack.desk import Desk
from bot.slack.outside import call_in, follow, refused
from bot.slack.trouble import AWAY as SLACK_AWAY
from bot.usecases import secret_asks
from bot.usecases.secret_asks import GONE, TAKEN, Form, Taken, Waiting
from bot.web.frame import field, file_field, line, masked_field, page, plain_field

BODY_MOST: Final = 128 * 1024
"""A key file is 3 KiB; Slack's own fields end there."""
_WHOLE_MOST: Final = BODY_MOST + 16 * 1024  # with what stands between the parts
_PARTS_MOST: Final = 32  # a form asks for a handful of fields
AWAY: Final = (
    "Registrar cannot ask its database or Slack at the moment. Nothing was kept: try again in a "
    "moment."
)
UNREAD: Final = (
    "That is more than 128 KiB, or not what this page sends; a key file is smaller. Nothing was "
    "kept."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """What the page sends: the code, and by field what was typed, or was in a file."""

    code: str = dataclasses.field(default="", repr=False)
    typed: Mapping[str, Secret] = dataclasses.field(default_factory=dict)
    files: Mapping[str, Secret] = dataclasses.field(default_factory=dict)


NOTHING: Final = Sent()


class SecretEntry:
    """The page. What is wrong with the secrets is put right here, the rest in Slack."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        path = "/secret/enter/{link}"
        return [web.get(path, self.ask), web.post(path, self.take)]

    async def ask(self, request: web.Request) -> web.Response:
        """The form that wants the code and the secrets."""
        return await self._form(request.match_info["link"], {}, 200)

    async def take(self, request: web.Request) -> web.Response:
        """Keep the secrets and let Slack go on, or show the form again."""
        link = request.match_info["link"]
        sent = Sent()
        try:
            sent = await _sent(request)
            return await self._keep(link, sent)
        except ValueError:
            return await self._form(link, {"": UNREAD}, 413)
        except NotFound:
            return _gone(GONE)
        except WrongCode as error:
            if not error.left:
                return _gone(f"That was the third wrong code. {GONE}")
            return await self._form(link, {"code": f"{error}"}, 403)
        except InvalidInput as error:
            return await self._form(link, error.fields, 400, sent)
        except (StoreError, *SLACK_AWAY):
            return page("Not now", line(AWAY), status=503)

    async def _keep(self, link: str, sent: Sent) -> web.Response:
        deps = self._desk.deps
        found = await secret_asks.waiting(deps, link)
        actor = await self._desk.people.actor(call_in(found))
        found = await secret_asks.prove(deps, link, sent.code)
        if found.taken:
            return page("Entered", line(TAKEN))
        secrets = _secrets(found, sent)
        try:
            draft_id = await secret_asks.fill(
                deps, self._desk.rotators, actor, link, found, secrets
            )
        except Taken:
            return page("Entered", line(TAKEN))
        except RegistrarError as error:
            if isinstance(error, StoreError) or secret_asks.only_secrets(error, found):
                raise
            self._desk.start(call_in(found), refused(self._desk, actor, found, error), "refused")
            return page("Not kept", line("Something else in the form is wrong. Slack shows what."))
        self._desk.start(call_in(found), follow(self._desk, actor, found, draft_id), "entered")
        tries = "" if found.form.wanted else " and tries it now"
        return page(
            "Entered",
            line(f"Registrar has it{tries}. Go back to Slack to see what becomes of it."),
            line("You can close this page.", "soft"),
        )

    async def _form(
        self, link: str, wrong: Mapping[str, str], status: int, sent: Sent = NOTHING
    ) -> web.Response:
        try:
            found = await secret_asks.waiting(self._desk.deps, link)
        except NotFound:
            return _gone(GONE)
        except StoreError:
            return page("Not now", line(AWAY), status=503)
        return page("Entered", line(TAKEN)) if found.taken else _form(found, wrong, status, sent)


def _form(
    found: Waiting, wrong: Mapping[str, str], status: int, sent: Sent = NOTHING
) -> web.Response:
    """The form, and what is wrong where it is; a code that was right is filled in again."""
    form = found.form
    hint = "Six letters and digits; they stand beside the link in Slack."
    right = sent.code if wrong and "code" not in wrong else ""
    parts = [field("code", "Code", hint, kind="code", wrong=wrong.get("code", ""), value=right)]
    first = next((one.name for one in found.fields if one.name in wrong), "") if right else ""
    for one in found.fields:
        told, as_file = wrong.get(one.name, ""), one.name in sent.files
        hint = " ".join(each for each in (_blank(one, form), one.hint) if each)
        put = masked_field if one.secret else plain_field
        here = "" if as_file else told
        parts.append(put(one.name, one.label, hint, wrong=here, focus=one.name == first))
        if one.multiline:
            label = f"{one.label}, as a file"
            parts.append(
                file_field(
                    f"{one.name}-file", label, "Choose it or drop it here.",
                    wrong=told if as_file else "",
                )
            )  # fmt: skip
    return page(
        f"Secret of {form.name}",
        line("It goes to Registrar and not through Slack, and is never shown again."),
        line(wrong[""], "wrong") if "" in wrong else "",
        '<form method="post" action="" enctype="multipart/form-data">',
        *parts,
        f"<button>{_button(form)}</button>",
        "</form>",
        status=status,
    )


def _button(form: Form) -> str:
    """The word of the form in Slack."""
    if form.wanted is not None:
        return "Save"
    return "Test and switch" if form.plan else "Test and save"


def _blank(asked: Field, form: Form) -> str:
    """What happens when the field is left blank; nothing where that is not allowed."""
    if asked.name not in form.kept.split(","):
        return "" if asked.required else "May stay blank."
    if form.draft:
        return "Leave it blank to use the one that you typed before; it is kept for 15 minutes."
    return "Leave it blank to keep the stored one."


def _gone(why: str) -> web.Response:
    return page("Nothing to enter", line(why), status=404)


def _secrets(found: Waiting, sent: Sent) -> dict[str, Secret]:
    """By field, what was typed, or else the file; InvalidInput for both, or an unreadable file."""
    secrets, faults = {}, {}
    for one in found.fields:
        typed, file = sent.typed.get(one.name), sent.files.get(one.name)
        if file is not None and typed is not None:
            faults[one.name] = "Give the text or the file, not both."
        elif file is not None and not file:
            faults[one.name] = "This file is empty, or not a text file."
        elif (given := file if typed is None else typed) is not None:
            secrets[one.name] = given
    if faults:
        raise InvalidInput(faults)
    return secrets


async def _sent(request: web.Request) -> Sent:
    """What was sent, held in memory only; ValueError for too much, or what this page never sends.

    aiohttp's own reader of forms would write files to the disk, and neither it nor that of parts
    ends by itself where no part has a body, or none ever begins.
    """
    code, typed, files = "", {}, {}
    if request.content_type != "multipart/form-data":
        return Sent()
    try:
        found = [one async for one in _parts(request)]
    except (HttpProcessingError, AssertionError):  # they quote lines, and so perhaps a secret
        raise ValueError("not what this page sends") from None
    for name, filename, body in found:
        text = _text(body)
        if name.endswith("-file"):
            if filename:  # a browser sends one without a name where none was chosen
                files[name.removesuffix("-file")] = Secret(text)
        elif name == "code":
            code = text
        elif text:
            typed[name] = Secret(text)
    return Sent(code, typed, files)


async def _parts(request: web.Request) -> AsyncIterator[tuple[str, str, bytes]]:
    """Name, file's name and bytes of each part."""
    whole = await _bounded(request)
    if not whole.startswith(b"--"):  # a preamble, which is looked through line by line
        raise ValueError("not what a browser sends")
    stream = StreamReader(request.protocol, 2 * _WHOLE_MOST)
    stream.feed_data(whole)
    stream.feed_eof()
    count = size = 0
    async for part in MultipartReader(request.headers, stream):
        count += 1
        if not isinstance(part, BodyPartReader) or count > _PARTS_MOST:
            raise ValueError("not what this page sends")
        body = bytes(await part.read())
        size += len(body)
        if size > BODY_MOST:
            raise ValueError("too large")
        yield part.name or "", part.filename or "", body


async def _bounded(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _WHOLE_MOST:
            raise ValueError("too large")
    return bytes(body)


def _text(body: bytes) -> str:
    """Some editors put a mark at the beginning of a file; what is no text at all, is empty."""
    try:
        return body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return ""
