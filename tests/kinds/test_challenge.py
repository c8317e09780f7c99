"""The challenge parser against headers seen in the wild, and hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kinds.challenge import Challenge, choose, parse

CORPUS = [
    (
        ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'],
        [
            Challenge(
                "bearer",
                {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"},
            )
        ],
    ),
    (
        [
            'Bearer realm="https://c.example/v2/token",service="container_registry",scope="*",Basic realm="https://c.example/v2",service="container_registry",scope="*"'
        ],
        [
            Challenge(
                "bearer",
                {
                    "realm": "https://c.example/v2/token",
                    "service": "container_registry",
                    "scope": "*",
                },
            ),
            Challenge(
                "basic",
                {"realm": "https://c.example/v2", "service": "container_registry", "scope": "*"},
            ),
        ],
    ),
    (
        ["Negotiate", 'Basic realm="Corp"'],
        [Challenge("negotiate"), Challenge("basic", {"realm": "Corp"})],
    ),
    (
        ['Negotiate YIIKqwYGKwYBBQUCoII=, Basic realm="Corp"'],
        [Challenge("negotiate"), Challenge("basic", {"realm": "Corp"})],
    ),
    (
        ['Bearer realm="https://r/t",scope="repository:a/b:pull,push"'],
        [Challenge("bearer", {"realm": "https://r/t", "scope": "repository:a/b:pull,push"})],
    ),
    (
        [r'Basic realm="say \"hi\", please"'],
        [Challenge("basic", {"realm": 'say "hi", please'})],
    ),
    (
        ['bEaReR REALM="https://r/t" , Service = reg'],
        [Challenge("bearer", {"realm": "https://r/t", "service": "reg"})],
    ),
    (
        ["Bearer realm=https://r.example/token,service=r.example"],
        [Challenge("bearer", {"realm": "https://r.example/token", "service": "r.example"})],
    ),
    (
        ['Bearer realm="/token",service=""'],
        [Challenge("bearer", {"realm": "/token", "service": ""})],
    ),
    (
        ['Bearer realm="one",realm="two"'],
        [Challenge("bearer", {"realm": "one"})],
    ),
    (
        ['Basic realm="never closed'],
        [],
    ),
    (["", ",,,", "   "], []),
    (["Basic"], [Challenge("basic")]),
]


@pytest.mark.parametrize(("lines", "expected"), CORPUS)
def test_challenges_are_read_one_by_one(lines: list[str], expected: list[Challenge]) -> None:
    """Schemes on one line or several, quoted commas and escapes come out right."""
    assert list(parse(lines)) == expected


def test_bearer_is_preferred_to_basic() -> None:
    """Where both are offered, the token flow is the one the vendors document."""
    chosen = choose(parse(['Basic realm="x"', 'Bearer realm="https://r/t"']))

    assert chosen is not None
    assert chosen.scheme == "bearer"


def test_bearer_without_realm_is_not_usable() -> None:
    """There is nowhere to ask for a token, so Basic is answered."""
    chosen = choose(parse(['Bearer service="x"', 'Basic realm="y"']))

    assert chosen is not None
    assert chosen.scheme == "basic"


def test_only_unknown_schemes_leave_nothing() -> None:
    """Negotiate and NTLM are not for container registries."""
    assert choose(parse(["Negotiate", "NTLM"])) is None


@given(st.lists(st.text(max_size=200), max_size=3))
def test_any_header_is_read_without_failing(lines: list[str]) -> None:
    """A registry's header is hostile: it may be nonsense, never an exception."""
    for challenge in parse(lines):
        assert challenge.scheme == challenge.scheme.lower()


_QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), _QUOTED, min_size=1, max_size=4)
)
def test_quoted_values_survive(parameters: dict[str, str]) -> None:
    """Whatever is quoted and escaped by the rules comes back as it was."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in parameters.items()
    }
    line = "Bearer " + ",".join(f'{name}="{value}"' for name, value in escaped.items())

    assert parse([line]) == (Challenge("bearer", parameters),)
