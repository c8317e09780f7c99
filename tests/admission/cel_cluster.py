"""A cluster that evaluates a printed policy: its variables in turn, then its validation.

cel-python has the language; the functions that Kubernetes adds and we use are added here as
kubernetes.io, "CEL in Kubernetes" describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from lark import Tree


def _split(text: str, separator: str) -> celtypes.ListType:
    return celtypes.ListType(celtypes.StringType(part) for part in text.split(separator))


def _lower(text: str) -> celtypes.StringType:
    return celtypes.StringType(
        "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in text)
    )


def _substring(text: str, begin: int, end: int | None = None) -> celtypes.StringType:
    return celtypes.StringType(text[begin:end])


def _dyn(value: Any) -> Any:
    return value


_LEVELS = frozenset(
    {
        "expr",
        "conditionalor",
        "conditionaland",
        "relation",
        "addition",
        "multiplication",
        "unary",
    }
)
FUNCTIONS: Mapping[str, Any] = {
    "split": _split,
    "lowerAscii": _lower,
    "substring": _substring,
    "dyn": _dyn,
}


def _without_steps(tree: Tree[Any]) -> Tree[Any]:
    """The same without levels of precedence at which nothing happens.

    cel-python visits all eight above each name; a level with one part has the value of that part.
    """
    children = [_without_steps(one) if isinstance(one, Tree) else one for one in tree.children]
    tree.children = [_below(one) if isinstance(one, Tree) else one for one in children]
    return tree


def _below(tree: Tree[Any]) -> Tree[Any]:
    while tree.data in _LEVELS and len(tree.children) == 1 and isinstance(tree.children[0], Tree):
        tree = tree.children[0]
    return tree


class CelCluster:
    """Holds the expressions of one policy object, compiled."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        environment = celpy.Environment()

        def program(text: str) -> Any:
            tree = _without_steps(environment.compile(text))
            return environment.program(tree, functions=dict(FUNCTIONS))

        (self._validation,) = spec["validations"]
        self._variables = [(one["name"], program(one["expression"])) for one in spec["variables"]]
        self._expression = program(self._validation["expression"])
        self._message = program(self._validation["messageExpression"])

    def admits(self, value: Any, old: Any = None) -> tuple[bool, str]:
        """Whether an object comes in, and what is said if it does not."""
        known = self.evaluate(given(value, old))
        if self._expression.evaluate(known):
            return True, ""
        return False, str(self._message.evaluate(known))

    def refused(self, images: Sequence[str]) -> set[str]:
        """Of many images in one Pod, those that are refused."""
        known = self.evaluate(given(pod(images), None))
        return set(map(str, known["variables"]["refused"]))

    def evaluate(self, known: dict[str, Any], only: Iterable[str] | None = None) -> dict[str, Any]:
        """Give each variable its value, or those of `only`; the others are there already."""
        for name, program in self._variables:
            if only is None or name in only:
                known["variables"][celtypes.StringType(name)] = program.evaluate(known)
        return known


def pod(images: Sequence[str]) -> dict[str, Any]:
    return {"kind": "Pod", "spec": {"containers": [{"image": image} for image in images]}}


def given(value: Any, old: Any) -> dict[str, Any]:
    return {
        "object": json_to_cel(value),
        "oldObject": json_to_cel(old),
        "variables": celtypes.MapType(),
    }
