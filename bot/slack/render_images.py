"""The repositories of a registry and the tags of one, each line with a reference to copy."""

from __future__ import annotations

from datetime import datetime

from bot.core.image import Reference
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence, ImageFacts
from bot.errors import Unseen
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, context, section, sections
from bot.slack.card import Card
from bot.slack.metadata import BrowseState
from bot.slack.render_sight import absent_lines, found_lines
from bot.slack.text import code, escape
from bot.slack.words import ago, count
from bot.usecases.browsing import Browsed

TITLE = "Images"
LONGEST = 520
DIGEST_SHOWN = len("sha256:") + 12


def looking_card(registry: str, host: str, repository: str = "") -> Card:
    """While the registry is asked."""
    what = f"the tags of {code(repository)}" if repository else "its images"
    line = f"Asking {code(host, 200)} for {what}, with the sign-in of {code(registry)} …"
    return Card(TITLE, line, (section(line),))


def images_card(browsed: Browsed, now: datetime, command: str) -> Card:
    """A page, or why there is none; buttons lead on, back and to what a tag holds."""
    lines: list[str] = []
    blocks: list[Block] = []
    if browsed.unseen:
        lines += _unseen_lines(browsed, command)
        blocks += sections(lines)
    page: Page[FoundRepository] | Page[FoundTag] | None = browsed.tags or browsed.repositories
    if page is not None:
        head = _head(browsed)
        rows = _rows(browsed, now)
        lines += [head, *(markup for markup, _ in rows)]
        blocks += [section(head), *(section(markup, element) for markup, element in rows)]
        if notes := _notes(page):
            lines.append(" ".join(notes))
            blocks.append(context(lines[-1]))
    if elements := _ways(browsed, page):
        blocks.append(actions(*elements))
    return Card(TITLE, "\n".join(lines), tuple(blocks))


def tag_card(
    state: BrowseState, image: Reference, found: ImageFacts | Unseen, now: datetime
) -> Card:
    """What one tag of the list holds, and the way back to it."""
    lines = [f"*{code(str(image), LONGEST)}*"]
    lines += absent_lines(found) if isinstance(found, Unseen) else found_lines(image, found, now)
    back = BrowseState(state.registry, state.text, state.repository, state.cursor)
    way = actions(button("‹ Tags", ids.IMAGES, back.dump()))
    return Card(TITLE, "\n".join(lines), (*sections(lines), way))


def _head(browsed: Browsed) -> str:
    if browsed.tags is not None:
        return f"*Tags of {code(browsed.named(browsed.repository), LONGEST)}*"
    text = f" with “{escape(browsed.wish.text)}” in their name" if browsed.wish.text else ""
    return f"*Repositories of {code(browsed.wish.registry)}*{text}"


def _rows(browsed: Browsed, now: datetime) -> list[tuple[str, Element]]:
    """Each line and its button."""
    wish = browsed.wish
    rows = []
    for tag in browsed.tags.items if browsed.tags else ():
        reference = code(f"{browsed.named(browsed.repository)}:{tag.name}", LONGEST)
        parts = [reference]
        if tag.pushed is not None:
            parts.append(f"pushed {ago(tag.pushed, now)}")
        if tag.digest:
            parts.append(f"{tag.digest[:DIGEST_SHOWN]}…")
        state = BrowseState(wish.registry, wish.text, browsed.repository, wish.cursor, tag=tag.name)
        look = button("Details", ids.IMAGE_LOOK, state.dump(), says=f"Details of {tag.name}")
        rows.append((" · ".join(parts), look))
    for one in browsed.repositories.items if browsed.repositories else ():
        markup = code(browsed.named(one.name), LONGEST)
        if one.updated is not None:
            markup += f" · updated {ago(one.updated, now)}"
        state = BrowseState(wish.registry, wish.text, one.name)
        tags = button("Tags", ids.IMAGES, state.dump(), says=f"Tags of {one.name}")
        rows.append((markup, tags))
    return rows


def _notes(page: Page[FoundRepository] | Page[FoundTag]) -> list[str]:
    notes = []
    if not page.items:
        notes.append("Nothing in what was read so far." if page.next else "There is nothing.")
    if page.left_out:
        notes.append(f"{count(page.left_out, 'name')} that no image can have left out.")
    if page.cut:
        notes.append("There is more, which cannot be turned to here; narrow it with a filter.")
    return notes


def _ways(browsed: Browsed, page: Page[FoundRepository] | Page[FoundTag] | None) -> list[Element]:
    """Up to the repositories, to the beginning, and on."""
    wish = browsed.wish
    ways = []
    if browsed.repository:
        ways.append(button("‹ Repositories", ids.IMAGES_UP, BrowseState(wish.registry).dump()))
    if wish.cursor:
        first = BrowseState(wish.registry, wish.text, browsed.repository)
        ways.append(button("« First", ids.IMAGES_FIRST, first.dump()))
    if page is not None and page.next:
        on = BrowseState(wish.registry, wish.text, browsed.repository, page.next)
        ways.append(button("Next ›", ids.IMAGES_NEXT, on.dump()))
    return ways


def _unseen_lines(browsed: Browsed, command: str) -> list[str]:
    """Why, and that one repository may be readable where a list is not."""
    lines = [line for unseen in browsed.unseen for line in absent_lines(unseen)]
    listing = not browsed.repository and len(browsed.unseen) == 1
    if listing and browsed.unseen[0].why in {Absence.DENIED, Absence.NOT_ASKED, Absence.HIDDEN}:
        usage = code(f"{command} images {browsed.wish.registry} REPOSITORY")
        lines.append(f"The tags of one repository may be readable all the same: {usage}.")
    return lines
