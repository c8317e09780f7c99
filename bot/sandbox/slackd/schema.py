"""A small language to say what a JSON value must look like; reasons are in Slack's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Report = Callable[[str, str], None]
"""Called with a reason and the JSON pointer of the offending value."""


class Spec(Protocol):
    """What a value must be; `check` reports every reason why it is not."""

    def check(self, value: Any, at: str, report: Report) -> None: ...


@dataclass(frozen=True, slots=True)
class Str:
    """A text of `least` to `most` characters, one of `choices` or matching `pattern` when given."""

    most: int | None = None
    least: int = 0
    choices: Collection[str] = ()
    pattern: str = ""

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str):
            return report("must provide a string", at)
        if self.most is not None and len(value) > self.most:
            report(f"must be less than {self.most + 1} characters", at)
        if len(value) < self.least:
            report(f"must be more than {self.least - 1} characters", at)
        if self.choices and value not in self.choices:
            report(f"must be a valid enum value: {', '.join(sorted(self.choices))}", at)
        if self.pattern and not re.fullmatch(self.pattern, value):
            report(f"failed to match pattern {self.pattern}", at)
        return None


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number of `least` to `most`; a boolean is none."""

    most: int | None = None
    least: int | None = None

    def check(self, value: Any, at: str, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            return report("must provide an integer", at)
        if self.most is not None and value > self.most:
            report(f"must be less than or equal to {self.most}", at)
        if self.least is not None and value < self.least:
            report(f"must be greater than or equal to {self.least}", at)
        return None


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, bool):
            report("must provide a boolean", at)


@dataclass(frozen=True, slots=True)
class Anything:
    """Not looked into here: a rule elsewhere judges it."""

    def check(self, value: Any, at: str, report: Report) -> None:
        del value, at, report


@dataclass(frozen=True, slots=True)
class Many:
    """A list of `least` to `most` values."""

    of: Spec
    most: int | None = None
    least: int = 1

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, list):
            return report("must provide an array", at)
        if self.most is not None and len(value) > self.most:
            report(f"no more than {self.most} items allowed", at)
        if len(value) < self.least:
            report(f"no fewer than {self.least} items allowed", at)
        for index, item in enumerate(value):
            self.of.check(item, f"{at}/{index}", report)
        return None


@dataclass(frozen=True, slots=True)
class Obj:
    """An object with these keys and no others."""

    required: Mapping[str, Spec] = field(default_factory=dict)
    optional: Mapping[str, Spec] = field(default_factory=dict)

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            return report("must provide an object", at)
        for key in self.required:
            if value.get(key) is None:
                report(f"missing required field: {key}", at)
        known = {**self.optional, **self.required}
        for key, item in value.items():
            if key not in known:
                report(f"invalid additional property: {key}", at)
            elif item is not None:
                known[key].check(item, f"{at}/{key}", report)
        return None


@dataclass(frozen=True, slots=True)
class ByType:
    """An object judged by its `type`, which must be one of `specs`."""

    specs: Mapping[str, Obj]

    def check(self, value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            return report("must provide an object", at)
        spec = self.specs.get(str(value.get("type")))
        if spec is None:
            return report(f"unsupported type: {value.get('type')}", f"{at}/type")
        rest = {key: item for key, item in value.items() if key != "type"}
        return spec.check(rest, at, report)


@dataclass(frozen=True, slots=True)
class Text:
    """A composition text object; `plain` refuses mrkdwn. An empty text is refused as Slack does."""

    most: int
    plain: bool = False

    def check(self, value: Any, at: str, report: Report) -> None:
        text = {"text": Str(self.most, least=1)}
        specs = {"plain_text": Obj(text, {"emoji": Flag()})}
        if not self.plain:
            specs["mrkdwn"] = Obj(text, {"verbatim": Flag()})
        ByType(specs).check(value, at, report)
