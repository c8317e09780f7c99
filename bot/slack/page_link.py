"""The way from a form in Slack to the page on which its secrets are entered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.core.access import Actor
from bot.errors import InvalidInput, OnlyOnPage
from bot.kinds.base import Field
from bot.slack import ids
from bot.slack.blocks import actions, link_button
from bot.slack.call import Call
from bot.slack.card import Card, say
from bot.slack.desk import Desk
from bot.slack.metadata import ViewMeta
from bot.slack.secret_blocks import leads_to_page
from bot.slack.text import code
from bot.slack.words import moment
from bot.usecases import page_only, secret_asks
from bot.usecases.secret_asks import Form

NO_PAGES: Final = (
    "Registrar has no pages outside Slack here: whoever runs it has to set PUBLIC_URL. Until then "
    "the secret is typed in this form."
)
NO_WAY: Final = (
    "Secrets are entered only on the page outside Slack, and there is none: whoever runs Registrar "
    "has to set PUBLIC_URL, or a manager allows Slack again in the settings."
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent, without its secrets; `typed` says that there were some all the same."""

    call: Call
    form: Form
    meta: ViewMeta
    fields: Sequence[Field]
    typed: bool


async def page_card(desk: Desk, actor: Actor, call: Call, form: Form) -> Card:
    """The link and its code. Raises InvalidInput, also where there are no pages."""
    if not desk.public_url:
        only = await page_only.holds(desk.deps, actor.team_id)
        raise InvalidInput({"": NO_WAY if only else NO_PAGES})
    asked = await secret_asks.ask(desk.deps, actor, form, call.channel, call.view_id)
    lines = [
        "*Enter the secret on a page outside Slack*",
        f"The page asks for this code: *{code(asked.code)}*",
        f"It takes the secret once, until {moment(asked.expires_at)}.",
        "This window goes on by itself then; when you close it, you are told privately.",
    ]
    open_it = link_button("Open the page", ids.OUTSIDE_LINK, f"{desk.public_url}{asked.path}")
    return say("Outside Slack", *lines, buttons=[actions(open_it)])


async def kept_or_page(
    desk: Desk, actor: Actor, sent: Sent, keep: Callable[[], Awaitable[Card]]
) -> Card:
    """What `keep` answers, or the way to the page where secrets are entered only there.

    Raises what `keep` does. Wrong secrets are for the page, and wrong answers come first.
    """
    only = sent.meta.page or await page_only.holds(desk.deps, actor.team_id)
    if not only:
        return await keep()
    if sent.typed:
        raise OnlyOnPage({"": page_only.REFUSED})
    if leads_to_page(sent.fields, replace(sent.meta, page=True)):
        return await page_card(desk, actor, sent.call, sent.form)
    secret = {one.name for one in sent.fields if one.secret}
    try:
        return await keep()
    except InvalidInput as error:
        public = {name: told for name, told in error.fields.items() if name not in secret}
        if public:
            raise InvalidInput(public) from None
    return await page_card(desk, actor, sent.call, sent.form)


async def drawn(desk: Desk, team_id: str, meta: ViewMeta) -> ViewMeta:
    """The form is drawn with fields for its secrets, or without, as the settings say now."""
    page, follows = await page_only.holds(desk.deps, team_id), desk.deps.follows
    return replace(meta, page=page, follows=follows)
