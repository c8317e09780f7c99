"""Objects of Kubernetes as YAML that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def written(objects: Sequence[Mapping[str, Any]]) -> str:
    """One document each, in the order of its keys."""
    dumped: str = yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, explicit_start=True, width=10**9
    )
    return dumped


class _Dumper(yaml.SafeDumper):
    """Each object in full, and texts of several lines as they are, for a diff to be read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
