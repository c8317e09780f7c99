"""The environment that references lead to in the sandbox: what a practice registry has now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bot.sandbox.practice import Practice
from bot.sandbox.practice.vendors.generic import REFERENCE

NAME: Final = REFERENCE.removeprefix("env:")


class PracticeVariables(Mapping[str, str]):
    """One variable, which changes when another password is made at the practice registry."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice

    def __getitem__(self, name: str) -> str:
        if name != NAME:
            raise KeyError(name)
        return self._practice.generic.password

    def __iter__(self) -> Iterator[str]:
        return iter((NAME,))

    def __len__(self) -> int:
        return 1


def allowed(practice: Practice) -> dict[str, str]:
    """The setting that allows it, for the registry that it belongs to and no other."""
    return {"SECRET_REFERENCES": f"{REFERENCE} @ {practice.generic.host}"}
