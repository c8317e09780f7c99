"""Which repositories and tags a registry has, for people who want to copy a reference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.core.access import Actor
from bot.core.config import Config, path_in_names
from bot.core.image import Reference, is_repository
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.policy import canonical
from bot.core.registry import RegistryView
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.usecases.deps import Deps
from bot.usecases.looking import Looks, Opened, open_registry, watched

TEXT_LONGEST: Final = 100
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._/-]")
# Without a list, the tags of a repository may be there all the same.
_PERHAPS_TAGS: Final = frozenset({Absence.DENIED, Absence.HIDDEN, Absence.NOT_ASKED})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be listed: the repositories with `text` in their name, or the tags of one.

    `cursor` is what an answer gave for its next page.
    """

    registry: str
    text: str = ""
    repository: str = ""
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Browsed:
    """One page of repositories, or of the tags of `repository`; or why there is none.

    `prefix` stands before repositories in image references. `unseen` may stand beside tags: then
    the repositories could not be listed.
    """

    wish: Wish
    prefix: str = ""
    repository: str = ""
    repositories: Page[FoundRepository] | None = None
    tags: Page[FoundTag] | None = None
    unseen: tuple[Unseen, ...] = ()

    def named(self, repository: str) -> str:
        """A repository as image references have it."""
        return f"{self.prefix}/{repository}"


async def browse(deps: Deps, looks: Looks, actor: Actor, wish: Wish) -> Browsed:
    """What was wished for; raises NotFound when there is no such registry, and nothing else.

    A text that names one repository, or is in the name of only one, gives its tags at once.
    """
    try:
        opened = await open_registry(deps, actor, wish.registry)
    except Unseen as unseen:
        return Browsed(wish, unseen=(unseen,))
    if wish.repository:
        return await _tags(deps, looks, opened, wish, wish.repository)
    text = _name_in(wish.text, opened.config)
    wish = Wish(wish.registry, text, cursor=wish.cursor)
    config, prefix = opened.config, opened.config.named("")
    try:
        page = await watched(deps, opened, looks.repositories(config, text, wish.cursor))
    except Unseen as unseen:
        if not text or wish.cursor or unseen.why not in _PERHAPS_TAGS:
            return Browsed(wish, prefix, unseen=(unseen,))
        tags = await _tags(deps, looks, opened, wish, _meant(text, config))
        return tags if tags.tags else Browsed(wish, prefix, unseen=(unseen, *tags.unseen))
    meant = _one_of(page, text, config) if text and not wish.cursor else ""
    if meant:
        return await _tags(deps, looks, opened, wish, meant)
    if text and not wish.cursor and not page.items and not page.next:
        # Lists may leave out what may be pulled.
        tags = await _tags(deps, looks, opened, wish, _meant(text, config))
        if tags.tags is not None:
            return tags
    return Browsed(wish, prefix, repositories=page)


async def _tags(deps: Deps, looks: Looks, opened: Opened, wish: Wish, repository: str) -> Browsed:
    config, prefix = opened.config, opened.config.named("")
    try:
        if not is_repository(repository) or not config.covers(repository):
            raise Unseen(
                Absence.NOT_ASKED,
                f"{repository} is not below {config.path_scope}, the path scope of {wish.registry}."
                if config.path_scope
                else f"{repository} is not the name of a repository.",
            )
        page = await watched(deps, opened, looks.tags(config, repository, "", wish.cursor))
    except Unseen as unseen:
        return Browsed(wish, prefix, repository, unseen=(unseen,))
    return Browsed(wish, prefix, repository, tags=page)


def _name_in(text: str, config: Config) -> str:
    """What was typed, as a part of a repository's name: without host, tag or digest."""
    name = text.strip().lower().partition("@")[0].removeprefix("https://")
    above, slash, last = name.removeprefix(f"{config.named('')}/").rpartition("/")
    name = f"{above}{slash}{last.partition(':')[0]}"
    return _NOT_IN_NAMES.sub("", name)[:TEXT_LONGEST].strip("/")


def _meant(text: str, config: Config) -> str:
    """The repository that a text names if it names one; the path scope may be left out."""
    return text if config.covers(text) else f"{config.path_scope}/{text}"


def _one_of(page: Page[FoundRepository], text: str, config: Config) -> str:
    """The one repository that was meant; empty when it may be another."""
    names = [one.name for one in page.items]
    exact = _meant(text, config)
    if exact in names:
        return exact
    return names[0] if len(names) == 1 and not page.next else ""


def reference_of(registry: RegistryView, repository: str, tag: str) -> Reference:
    """A tag of the list as a reference, canonical as registrations are."""
    path = path_in_names(registry.url)
    name = "/".join(part for part in (registry.host, path, repository) if part)
    return canonical(Reference.parse(f"{name}:{tag}"))
