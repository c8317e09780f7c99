"""The Bolt app: routes, what every listener gets, and what happens to everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.kinds.rotation.gateway import Rotators
from bot.slack import actions, auto_rotating, ids, options
from bot.slack.access import People
from bot.slack.asking import submit_decline, submit_exemption
from bot.slack.background import Background
from bot.slack.call import call_of
from bot.slack.card import Card, say
from bot.slack.clusters import submit_cluster, submit_delete_cluster
from bot.slack.commands import run_command
from bot.slack.deleting import submit_delete
from bot.slack.desk import Desk, fault_card
from bot.slack.home import open_home
from bot.slack.pausing import submit_pause
from bot.slack.reminding import submit_owner
from bot.slack.rotating import submit_rotation
from bot.slack.saving import close_outcome, submit_registry
from bot.slack.setting_up import submit_settings
from bot.slack.snoozing import submit_snooze
from bot.usecases.deps import Deps
from bot.usecases.looking import Looks

log = structlog.get_logger(__name__)

STALE: Final = (
    "This comes from an earlier version of Registrar and does nothing any more. "
    "Nothing was changed."
)


def build_app(
    *,
    deps: Deps,
    looks: Looks,
    rotators: Rotators,
    client: AsyncWebClient,
    signing_secret: str,
    command: str,
    background: Background,
    public_url: str = "",
) -> AsyncApp:
    """The app with all its listeners; nothing is asked of Slack until the first request.

    `public_url` is where people's browsers reach the web server, without it there are no pages.

    Work after an ack runs in `background`, which whoever runs the app drains at the end.
    """
    app = AsyncApp(
        client=client,
        signing_secret=signing_secret,
        name="registrar",
        # Listeners ack and leave their work to `background`, so Bolt need not poll for the ack.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
    )
    people = People(client, deps)
    desk = Desk(deps, client, command, background, people, looks, rotators, public_url)
    app.use(_hand_over(desk))
    app.error(_explain(desk))
    _route(app, command)
    return app


def _route(app: AsyncApp, command: str) -> None:
    app.command(command)(run_command)
    app.view(ids.REGISTRY_FORM)(submit_registry)
    app.view(ids.DELETE_FORM)(submit_delete)
    app.view(ids.SETTINGS_FORM)(submit_settings)
    app.view(ids.OWNER_FORM)(submit_owner)
    app.view(ids.SNOOZE_FORM)(submit_snooze)
    app.view(ids.PAUSE_FORM)(submit_pause)
    app.view(ids.EXEMPTION_FORM)(submit_exemption)
    app.view(ids.DECLINE_FORM)(submit_decline)
    app.view(ids.CLUSTER_FORM)(submit_cluster)
    app.view(ids.CLUSTER_DELETE_FORM)(submit_delete_cluster)
    app.view(ids.ROTATION_FORM)(submit_rotation)
    app.view(ids.POLICY_FORM)(auto_rotating.submit_policy)
    app.view(ids.ROTATION_DECLINE_FORM)(auto_rotating.submit_decline)
    app.view_closed(ids.OUTCOME)(close_outcome)
    app.event("app_home_opened")(open_home)
    actions.register(app)
    options.register(app)


def _hand_over(desk: Desk) -> Callable[..., Awaitable[None]]:
    """Listeners ask for `desk` by name."""

    async def hand_over(context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]) -> None:
        context["desk"] = desk
        await next_()

    return hand_over


def _explain(desk: Desk) -> Callable[..., Awaitable[BoltResponse]]:
    """What could not be handled is answered politely; an error before the ack loses no ack."""

    async def explain(error: Exception, body: dict[str, Any]) -> BoltResponse:
        if isinstance(error, BoltUnhandledRequestError):
            log.info("nothing listens to this", kind=body.get("type") or "event")
            return await _say(desk, body, say("Registrar", STALE))
        return await _say(desk, body, fault_card(error))

    return explain


async def _say(desk: Desk, body: dict[str, Any], card: Card) -> BoltResponse:
    """In the ack where Slack shows what is in it, otherwise after it."""
    kind = body.get("type")
    call = call_of(body)
    if "command" in body:
        return BoltResponse(status=200, body={"response_type": "ephemeral", **card.message()})
    if kind == "view_submission":
        view = card.view(call.channel)
        return BoltResponse(status=200, body={"response_action": "update", "view": view})
    if kind == "block_suggestion":
        return BoltResponse(status=200, body={"options": []})
    if kind == "block_actions" and not _is_link(body):
        desk.start(call, desk.tell(call, card), "explain")
    return BoltResponse(status=200, body="")


def _is_link(body: dict[str, Any]) -> bool:
    """Slack sends a click on a link button too; there is nothing to say about it."""
    return all(action.get("url") for action in body.get("actions") or ())
