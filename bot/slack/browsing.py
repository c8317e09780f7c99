"""`images NAME [filter]`: the repositories and tags of a registry, page by page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from bot.core.sight import ImageFacts
from bot.errors import Unseen
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.call import Call
from bot.slack.desk import Desk
from bot.slack.metadata import BrowseState
from bot.slack.render_images import images_card, looking_card, tag_card
from bot.usecases import registries
from bot.usecases.browsing import Wish, browse, reference_of
from bot.usecases.looking import see_image

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]


async def show_images(desk: Desk, call: Call, name: str, text: str = "") -> None:
    """The repositories with a text in their name; NotFound before anything is shown."""
    await _show(desk, call, BrowseState(name, text))


async def turn_page(desk: Desk, call: Call, value: str) -> None:
    await _show(desk, call, BrowseState.parse(value))


async def look_at_tag(desk: Desk, call: Call, value: str) -> None:
    """What one tag of the list holds."""
    state = BrowseState.parse(value)
    registry = await registries.show(desk.deps, reader(call), state.registry)
    image = reference_of(registry, state.repository, state.tag)
    first = looking_card(registry.name, registry.host, f"{image.repository}:{image.tag}")
    surface = await desk.surface(call, first)
    found: ImageFacts | Unseen
    try:
        found = await see_image(desk.deps, desk.looks, reader(call), registry.name, image)
    except Unseen as unseen:
        found = unseen
    await surface.finish(tag_card(state, image, found, desk.now()))


async def _show(desk: Desk, call: Call, state: BrowseState) -> None:
    registry = await registries.show(desk.deps, reader(call), state.registry)
    first = looking_card(registry.name, registry.host, state.repository)
    surface = await desk.surface(call, first)
    wish = Wish(registry.name, state.text, state.repository, state.cursor)
    browsed = await browse(desk.deps, desk.looks, reader(call), wish)
    await surface.finish(images_card(browsed, desk.now(), desk.command))


BUTTONS: Final[dict[str, Pressed]] = {
    ids.IMAGES: turn_page,
    ids.IMAGES_UP: turn_page,
    ids.IMAGES_FIRST: turn_page,
    ids.IMAGES_NEXT: turn_page,
    ids.IMAGE_LOOK: look_at_tag,
}
"""By action id; the value is a `BrowseState`."""
