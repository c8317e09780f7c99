"""`/registry cluster`: looking at clusters, adding them, and what is done to one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.errors import InvalidInput, NotFound
from bot.slack import cluster_line, ids
from bot.slack.access import reader
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.cluster_forms import add_form, delete_form
from bot.slack.cluster_line import ClusterLine, parse
from bot.slack.desk import Desk, View
from bot.slack.metadata import ViewMeta
from bot.slack.render_cluster import (
    cluster_card,
    clusters_card,
    link_card,
    no_page_card,
    usage_card,
)
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.text import code, sentence
from bot.slack.words import count
from bot.usecases import cluster_rotation, clusters
from bot.usecases.clusters import Wanted
from bot.usecases.permission import require_manager

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]
Asked = Callable[[Desk, Call, ClusterLine], Coroutine[Any, Any, None]]


async def cluster(desk: Desk, call: Call, words: Sequence[str]) -> None:
    """What was typed after `cluster`; a name that does not exist is answered with those that do."""
    line = parse(words)
    if not line.name and line.verb not in {cluster_line.LIST, cluster_line.ADD}:
        await _list(desk, call, f"Which cluster do you want to {_doing(line.verb)}?")
        return
    try:
        await ASKED[line.verb](desk, call, line)
    except NotFound as error:
        await _list(desk, call, sentence(str(error)))


async def show(desk: Desk, call: Call, name: str, lead: str = "") -> None:
    shown = await clusters.show(desk.deps, reader(call), name)
    await desk.answer(call, cluster_card(shown, desk.now(), lead))


async def open_add(desk: Desk, call: Call, line: ClusterLine) -> None:
    """The form; without a page for the token, what to do instead."""
    if not desk.public_url:
        await desk.tell(call, no_page_card(f"cluster add {line.name or 'NAME'}"))
        return

    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "add a cluster")
        return add_form(line, call.channel)

    await desk.form(call, build)


async def submit_cluster(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    typed = {name: "".join(found) for name, found in values_of(view).items()}
    name = typed.get("name", "").strip()
    environment, mode = typed.get("environment", ""), typed.get("mode", "")

    async def work(actor: Actor) -> Card:
        link = await clusters.add_with_link(desk.deps, actor, Wanted(name, environment, mode))
        return link_card(link, desk.public_url, f"*{code(name)} is added*")

    def again(error: InvalidInput) -> View:
        line = ClusterLine(cluster_line.ADD, name, environment=environment, mode=mode)
        return add_form(line, call.channel, str(error))

    await settle(desk, ack, Submission(call, view, work, again))


async def rotate(desk: Desk, call: Call, name: str) -> None:
    if not desk.public_url:
        await desk.tell(call, no_page_card(f"cluster rotate {name}"))
        return
    actor = await desk.people.actor(call)
    link = await cluster_rotation.rotate_with_link(desk.deps, actor, name)
    shown = await clusters.show(desk.deps, actor, name)
    old = [one.expires_at for one in shown.tokens if one.expires_at is not None]
    lead = f"*{code(name)} has a new token*"
    await desk.answer(call, link_card(link, desk.public_url, lead, max(old, default=None)))


async def revoke(desk: Desk, call: Call, name: str, *, everything: bool = False) -> None:
    actor = await desk.people.actor(call)
    _, ended = await cluster_rotation.revoke(desk.deps, actor, name, everything=everything)
    verb = "has" if ended == 1 else "have"
    await show(desk, call, name, f"*{count(ended, 'token')} {verb} ended*, at once.")


async def open_delete(desk: Desk, call: Call, name: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "delete a cluster")
        shown = await clusters.show(desk.deps, actor, name)
        return delete_form(shown.cluster, call.channel)

    await desk.form(call, build)


async def submit_delete_cluster(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    name = ViewMeta.of(view).editing
    typed = "".join(values_of(view).get("typed_name", ()))

    async def work(actor: Actor) -> Card:
        await clusters.delete(desk.deps, actor, name, typed)
        return say("Deleted", f"*{code(name)} is deleted*", "Its tokens have ended.", close="Done")

    await settle(desk, ack, Submission(call, view, work))


async def pick_mode(desk: Desk, call: Call, value: str) -> None:
    """A mode chosen on the card: `mode:name`."""
    mode, _, name = value.partition(":")
    await _set(desk, call, ClusterLine(cluster_line.MODE, name, value=mode))


async def _list(desk: Desk, call: Call, lead: str = "") -> None:
    await desk.answer(
        call, clusters_card(await clusters.list_clusters(desk.deps, reader(call)), lead)
    )


async def _set(desk: Desk, call: Call, line: ClusterLine) -> None:
    if not line.value:
        await desk.answer(call, usage_card(desk.command, line.verb))
        return
    actor = await desk.people.actor(call)
    change = clusters.set_mode if line.verb == cluster_line.MODE else clusters.set_environment
    await change(desk.deps, actor, line.name, line.value, line.namespace)
    await show(desk, call, line.name)


async def _asked_list(desk: Desk, call: Call, _line: ClusterLine) -> None:
    await _list(desk, call)


async def _asked_show(desk: Desk, call: Call, line: ClusterLine) -> None:
    await show(desk, call, line.name)


async def _asked_rotate(desk: Desk, call: Call, line: ClusterLine) -> None:
    await rotate(desk, call, line.name)


async def _asked_revoke(desk: Desk, call: Call, line: ClusterLine) -> None:
    await revoke(desk, call, line.name, everything=line.everything)


async def _asked_delete(desk: Desk, call: Call, line: ClusterLine) -> None:
    await open_delete(desk, call, line.name)


async def _press_add(desk: Desk, call: Call, _value: str) -> None:
    await open_add(desk, call, ClusterLine(cluster_line.ADD))


def _doing(verb: str) -> str:
    return "change" if verb in {cluster_line.MODE, cluster_line.ENVIRONMENT} else verb


ASKED: Final[dict[str, Asked]] = {
    cluster_line.LIST: _asked_list,
    cluster_line.ADD: open_add,
    cluster_line.SHOW: _asked_show,
    cluster_line.MODE: _set,
    cluster_line.ENVIRONMENT: _set,
    cluster_line.ROTATE: _asked_rotate,
    cluster_line.REVOKE: _asked_revoke,
    cluster_line.DELETE: _asked_delete,
}
BUTTONS: Final[dict[str, Pressed]] = {
    ids.CLUSTER_ADD: _press_add,
    ids.CLUSTER_SHOW: show,
    ids.CLUSTER_MODE: pick_mode,
    ids.CLUSTER_ROTATE: rotate,
    ids.CLUSTER_REVOKE: revoke,
    ids.CLUSTER_DELETE: open_delete,
}
"""By action id; the value is a cluster's name."""
