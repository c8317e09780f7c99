"""Rules that the page's files keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.page.conftest import PAGE

SCRIPTS = sorted(PAGE.glob("*.js"))
STYLES = sorted(PAGE.glob("*.css"))
INDEX = (PAGE / "index.html").read_text()


def test_the_page_has_no_script_or_style_inside() -> None:
    """A strict content security policy is possible, so markup can never become a script."""
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", INDEX) == []
    assert re.findall(r"<style|\bstyle=|\son\w+=", INDEX) == []
    assert "script-src 'self'" in INDEX


def test_every_file_the_page_asks_for_is_there() -> None:
    """No build step: what index.html and the modules name exists beside them."""
    asked = set(re.findall(r"/page/([\w.-]+)", INDEX))
    for script in SCRIPTS:
        asked |= set(re.findall(r'from "\./([\w.-]+)"', script.read_text()))
        asked |= set(re.findall(r'"/page/([\w.-]+)"', script.read_text()))

    assert {name for name in asked if not (PAGE / name).is_file()} == set()
    assert {path.name for path in PAGE.iterdir()} == asked | {"index.html"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_text_never_becomes_markup(script: Path) -> None:
    """What people and registries say reaches the document as text nodes only."""
    roads = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc"

    assert re.findall(roads, script.read_text()) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES, PAGE / "index.html"], ids=lambda p: p.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    """The sandbox works without a network."""
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text())

    assert [one for one in addresses if one != "http://www.w3.org"] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_what_is_imported_is_exported(script: Path) -> None:
    """A renamed function is found here, not by a person who opens that one dialog."""
    for names, module in re.findall(r'import \{([^}]+)\} from "\./([\w.-]+)"', script.read_text()):
        other = (PAGE / module).read_text()
        given = set(re.findall(r"^export (?:async )?(?:function|const) (\w+)", other, re.MULTILINE))
        assert {name.strip() for name in names.split(",") if name.strip()} <= given
