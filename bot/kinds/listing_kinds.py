"""Which kinds can list, and by what; those that are not here list tags by the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.kinds.list_generic import GenericLists
from bot.kinds.lists import Lists

LISTS: Final[Mapping[str, Lists]] = MappingProxyType({"generic": GenericLists()})
