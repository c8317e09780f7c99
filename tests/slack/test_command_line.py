"""Reading what was typed after the command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.registry import Filter
from bot.slack.command_line import VERBS, Typed, filter_meant, kind_meant, parse
from bot.slack.forms import kind_labels


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", Typed("help")),
        ("   ", Typed("help")),
        ("list", Typed("list")),
        ("  SHOW   ghcr-acme ", Typed("show", ("ghcr-acme",))),
        ("show “ghcr-acme”", Typed("show", ("ghcr-acme",))),
        ("show 'ghcr acme'", Typed("show", ("ghcr acme",))),
        ("show\u00a0ghcr-acme", Typed("show", ("ghcr-acme",))),
        ('show "ghcr-acme', Typed("show", ("ghcr-acme",))),
        ("/list", Typed("list")),
        ("lsit", Typed("", (), "lsit", "list")),
        ("remvoe", Typed("", (), "remvoe", "")),
        ("xyzzy a b", Typed("", ("a", "b"), "xyzzy", "")),
    ],
)
def test_commands_are_read_forgivingly(text: str, typed: Typed) -> None:
    """Quotes, capitals and spaces do not matter."""
    found = parse(text)

    assert (found.verb, found.words, found.unknown) == (typed.verb, typed.words, typed.unknown)
    assert found.nearest == typed.nearest or typed.unknown == "remvoe"


def test_a_name_is_lower_case_with_hyphens() -> None:
    """As names are."""
    assert parse("show GHCR Acme").name == "ghcr-acme"


@given(st.text(max_size=300))
def test_nothing_typed_breaks_the_parser(text: str) -> None:
    """Every text is a verb, or answered with help."""
    assert parse(text).verb in {*VERBS, ""}


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("ecr", "ecr"),
        ("AWS ECR", "ecr"),
        ("public ecr", "public_ecr"),
        ("Docker-Hub", "docker_hub"),
        ("ghcr", "ghcr"),
        ("gitlab", "gitlab"),
        ("gihtub enterprise", "github_enterprise"),
        ("floppy disk", None),
    ],
)
def test_a_kind_is_found_by_its_names(words: str, slug: str | None) -> None:
    """Slug, label, a part of one, or nearly one."""
    assert kind_meant(words.split(), kind_labels()) == slug


def test_filter_words_keep_their_meaning() -> None:
    """What is no known word is searched for."""
    words = ("production", "ghcr", "<@U2|bob>", "attention", "acme")

    assert filter_meant(words, "U1", kind_labels()) == Filter(
        text="acme", kind="ghcr", environment="production", owner="U2", attention=True
    )


@pytest.mark.parametrize("typed", ["needs attention", "Need Attention", "“needs attention”"])
def test_filter_is_understood_as_the_list_words_it(typed: str) -> None:
    """Searching for “needs” would find nothing, and read as if all were well."""
    words = parse(f"list {typed}").words

    assert filter_meant(words, "U1", kind_labels()) == Filter(attention=True)
    assert filter_meant(("needs",), "U1", kind_labels()) == Filter(text="needs")
