"""Image references beside docker-image-py, which was measured against the runtimes' own library."""

from __future__ import annotations

import pytest
from docker_image import reference as peer
from docker_image.digest import InvalidDigest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.image import LONGEST, Reference
from bot.errors import InvalidReference
from tests.core.bypasses import bypasses
from tests.core.references import HOSTS, ODD, PATHS, generated

Parts = tuple[str, str, str, str]
_VERSIONS = ("", ":1", ":V_1.2-x", "@sha256:" + "b" * 64, ":1@sha384:" + "c" * 96, ":", "@", ":-")
_PIECES = st.sampled_from((*HOSTS, *PATHS, *_VERSIONS, *ODD, "a", "0", "A"))
_WRITTEN = st.tuples(
    st.sampled_from(HOSTS), st.sampled_from(PATHS), st.sampled_from(_VERSIONS)
).map("".join)
_JOINED = st.lists(_PIECES, max_size=7).map("".join)


def ours(text: str) -> Parts | None:
    try:
        found = Reference.parse(text)
    except InvalidReference:
        return None
    return found.host, found.repository, found.tag, found.digest


def theirs(text: str) -> Parts | None:
    try:
        found = peer.Reference.parse_normalized_named(text)
    except (peer.InvalidReference, InvalidDigest):
        return None
    host, path = found.split_hostname()
    return host, path, found["tag"] or "", found["digest"] or ""


def should(text: str) -> Parts | None:
    """What the peer says, but for its one known fault, and for what we refuse on purpose."""
    if text.endswith("\n") or len(text) > LONGEST:
        return None
    found = theirs(text)
    return found if found is None or found[0] else None


@settings(max_examples=1000)
@given(st.one_of(_WRITTEN, _JOINED, st.text(max_size=40)))
def test_any_text_is_read_as_the_peer_reads_it(text: str) -> None:
    """Host, path, tag and digest are the same, or both refuse."""
    assert ours(text) == should(text)


def test_the_corpora_are_read_alike() -> None:
    """Thousands of references and every bypass."""
    texts = [*generated(5000, seed=2), *bypasses()]

    assert [text for text in texts if ours(text) != should(text)] == []
    assert sum(ours(text) is not None for text in texts) > 2000


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a/b\n", True),  # its expression ends before a last newline
        ("ghcr.io/acme/app:1\n", True),
        ("a_b.c/d", False),
        ("evil_host.example/x", False),
        ("a/" + "b/" * 600 + "c", False),
    ],
)
def test_where_the_peer_does_not_decide(text: str, *, accepted: bool) -> None:
    """A last newline it lets pass; a name without a host nobody may read as Docker Hub's."""
    assert (theirs(text) is not None) is accepted
    assert ours(text) is None
