import copy
import json
import pickle
import traceback

import pytest

from bot.core.secret import Secret

WORD = "correct-horse-battery"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{0!r:>8}".format, "%s".__mod__])
def test_no_text_form_shows_it(show: object) -> None:
    """repr, str and formatting show a mask."""
    assert WORD not in show(Secret(WORD))  # type: ignore[operator]


def test_it_reveals_its_text_only_when_asked() -> None:
    """reveal() is the one way to the text."""
    assert Secret(WORD).reveal() == WORD


@pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy, copy.copy, json.dumps])
def test_it_does_not_leave_the_process(leave: object) -> None:
    """Pickling, copying and JSON refuse it."""
    with pytest.raises(TypeError):
        leave(Secret(WORD))  # type: ignore[operator]


def test_equal_texts_are_equal_secrets() -> None:
    """Comparison works without showing anything."""
    assert Secret(WORD) == Secret(WORD)
    assert Secret(WORD) != Secret("other")
    assert Secret(WORD) != WORD


def test_it_is_not_a_dictionary_key() -> None:
    """Keys show up in caches and tracebacks, so it cannot be hashed."""
    with pytest.raises(TypeError):
        hash(Secret(WORD))


def test_an_exception_about_it_shows_a_mask() -> None:
    """An exception that carries a secret prints a mask."""
    try:
        raise ValueError(Secret(WORD))
    except ValueError:
        assert WORD not in traceback.format_exc().replace(f'Secret("{WORD}")', "")
