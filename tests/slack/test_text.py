"""Text of people made safe, and cut to size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.text import clip, code, escape, fit, length, plain, sentence

TEXTS = st.text(max_size=400)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("<@U1>", "&lt;@U1&gt;"),
        ("two\nlines", "two lines"),
        ("right\u202eleft", "rightleft"),
        ("@here look", "@\u2060here look"),
        ("@Everyone", "@\u2060Everyone"),
        ("mail@hereford.example", "mail@\u2060hereford.example"),
    ],
)
def test_text_of_people_has_no_power(text: str, safe: str) -> None:
    """No mention, no link, no line of its own."""
    assert escape(text) == safe


def test_a_backtick_does_not_end_code() -> None:
    """Or the rest would be formatted."""
    assert code("a`b").count("`") == 2


def test_our_sentences_may_mention_people() -> None:
    """And nobody else may through them."""
    text = "Ask <@U1A>, <!subteam^S2B> or <!channel>."

    assert sentence(text) == "Ask <@U1A>, <!subteam^S2B> or &lt;!channel&gt;."


@given(TEXTS, st.integers(min_value=1, max_value=200))
def test_clipped_text_fits_as_slack_counts(text: str, limit: int) -> None:
    """In UTF-16 units, whatever the letters are."""
    assert length(clip(text, limit)) <= limit
    assert length(plain(text, limit)) <= limit


@given(TEXTS, st.integers(min_value=12, max_value=200))
def test_fitted_markup_is_never_cut_inside_an_entity(text: str, limit: int) -> None:
    """Half an entity would be shown, half a mention would swallow the rest."""
    markup = f"<@U123456> {escape(text, 400)} <@U123456>"
    cut = fit(markup, limit)

    assert length(cut) <= limit
    assert cut.count("<") == cut.count(">")
    assert all(part.partition(";")[1] for part in cut.split("&")[1:])


@given(TEXTS)
def test_escaped_text_holds_no_angle_brackets(text: str) -> None:
    """Slack's control sequences all begin with one."""
    assert "<" not in escape(text)
    assert ">" not in escape(text)
