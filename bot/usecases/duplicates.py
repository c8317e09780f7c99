"""Two registries of one workspace differ in name, and in address, path scope and login together."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import InvalidInput
from bot.kinds.registry_kinds import KINDS
from bot.store import registries
from bot.store.schema import Registry


async def refuse_duplicates(
    session: AsyncSession, wanted: Registry, *, login_known: bool = True
) -> None:
    """Raise InvalidInput on the field to change, naming the registry that is there already."""
    problems: dict[str, str] = {}
    named = await registries.holder_of_name(session, wanted.team_id, wanted.name, wanted.id)
    if named is not None:
        problems["name"] = f"There is already a registry of this name, for {_place(named)}."
    same = await registries.holder_of_login(session, wanted, wanted.id) if login_known else None
    if same is not None:
        kind = KINDS.get(wanted.kind)
        where = "path_scope" if kind and kind.shared_host else "url"
        who = "with the same login" if wanted.login else "without a login"
        problems[where] = f"{same.name} is registered for {_place(same)} {who} already."
    if problems:
        raise InvalidInput(problems)


def _place(row: Registry) -> str:
    return f"{row.host}/{row.path_scope}" if row.path_scope else row.host
