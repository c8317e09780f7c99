"""Files that anybody wrote, read within bounds."""

from __future__ import annotations

import pytest

from bot.admission import documents
from bot.admission.documents import DEEPEST, LARGEST, read
from bot.errors import Unreadable

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def test_documents_are_plain_values_whose_texts_know_their_line() -> None:
    """Every scalar but null is a text: an image must not become a number on the way."""
    (first, second) = read(b"# Source: web/deploy.yaml\na: [x, 1.10]\n---\n\n- b: yes\n  c: ~\n")

    assert (first.value, first.line, first.number) == ({"a": ["x", "1.10"]}, 2, 1)
    assert (second.value, second.line, second.number) == ([{"b": "yes", "c": None}], 5, 2)
    assert second.value[0]["b"].line == 5


def test_the_template_that_helm_made_a_document_of_is_known() -> None:
    """From its comment, not from one within a text; empty documents count but are left out."""
    text = (
        "---\n# Source: web/templates/a.yaml\na: |\n  # Source: no\n"
        "---\n# Source: web/templates/none.yaml\n---\n# Source: web/templates/b.yaml\nb: 1\n"
    )

    found = read(text.encode())

    assert [(one.number, one.source) for one in found] == [
        (1, "web/templates/a.yaml"),
        (3, "web/templates/b.yaml"),
    ]


def test_aliases_and_merged_maps_are_followed() -> None:
    """What stands in the map itself wins, then the base that is named first."""
    text = "x: &x {image: a, tty: 1}\ny: &y {image: b, cpu: 2}\nz: {<<: [*x, *y], tty: 3}\nw: *x\n"

    (one,) = read(text.encode())

    assert one.value["z"] == {"image": "a", "cpu": "2", "tty": "3"}
    assert one.value["w"] == {"image": "a", "tty": "1"}


def test_json_is_read_too() -> None:
    """JSON is YAML, with or without a byte order mark."""
    (one,) = read(b'\xef\xbb\xbf{"kind": "Pod", "spec": {"containers": []}}')

    assert one.value == {"kind": "Pod", "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a:\n\tb: 1\n", "Line 2 is indented with a tab; YAML wants spaces."),
        (b"a: 1\nb: [1\n", "Line 3 is not YAML: did not find expected ',' or ']'."),
        (b"a: 1\nb: 2\na: 3\n", "Line 3 has the key “a” a second time."),
        (b"a: 1\nb: \xff\n", "Line 2 is not UTF-8 text."),
        (b"a: \x01\n", "It has a character that no YAML file may have."),
        (b"? [a]\n: 1\n", "Line 1 has a key that is not a text."),
        (b"a: &a [*a]\n", "Line 1 refers to “a”, which is not complete there."),
        (b"a: *none\n", "Line 1 refers to “none”, which is not complete there."),
        (b"image: {{ .Values.image }}\n", "It looks like a template: render it first."),
        (b"[" * 200, f"Line 1 is nested deeper than {DEEPEST} levels."),
        (b" " * (LARGEST + 1), "It is larger than 10 MiB."),
        (LAUGHS.encode(), "Line 6 is where it grows beyond 1,000,000 values."),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_said_in_a_sentence(data: bytes, sentence: str) -> None:
    """With the line, and in no time."""
    with pytest.raises(Unreadable) as caught:
        read(data)

    assert str(caught.value).endswith(sentence)


def test_all_documents_of_a_file_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand small ones are as much as a large one."""
    monkeypatch.setattr(documents, "MOST_VALUES", 50)

    with pytest.raises(Unreadable, match="Line 11 is where it grows beyond 50 values"):
        read(b"a: [1, 2, 3, 4, 5, 6, 7]\n---\n" * 20)


def test_a_tag_makes_nothing() -> None:
    """Nor are objects of Python made, nor files opened."""
    (one,) = read(b"a: !!python/object/apply:os.system ['x']\nb: !include /etc/passwd\n")

    assert one.value == {"a": ["x"], "b": "/etc/passwd"}
