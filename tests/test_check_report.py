"""What `registrar check` prints, in each form, also for texts that were made to do harm."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from bot.admission.files import Named
from bot.check_report import REPORTS, Judged
from bot.core.policy import Policy, Rule
from bot.usecases.asking import Asked

POLICY = Policy((Rule("ghcr-acme", "ghcr.io", "acme"),))
EVIL = "a%\n::set-env name=X::y\r<&>\"'\x1b[31m##[add-path]/tmp,b:c\u202e\ud800"


def _judged(image: str, file: str = "k8s.yaml") -> Judged:
    asked = Asked(image, POLICY.decide(image), POLICY.nearest(image))
    named = Named(image, file, 7 if file else 0, 2, f"Pod {EVIL}", "", f"spec.{EVIL}")
    return Judged(named, asked, f"{asked.verdict.reason}.")


def test_people_read_where_and_why() -> None:
    """Refused images stand last, with what they were read as."""
    named = Named("evil/x", "a.yaml", 3, 1, "Pod web/a", "t.yaml", "spec.containers[0].image")
    refused = Judged(named, Asked("evil/x", POLICY.decide("evil/x")), "It is a stranger's.")
    allowed = _judged("ghcr.io/acme/app", "")

    assert REPORTS["people"]([refused, allowed]).splitlines() == [
        "allowed  ghcr.io/acme/app",
        "         because ghcr.io/acme/app belongs to ghcr-acme.",
        "refused  evil/x",
        "         in a.yaml:3, document 1, Pod web/a, from t.yaml, spec.containers[0].image",
        "         read as docker.io/evil/x",
        "         because It is a stranger's.",
        "2 images: 1 allowed, 1 refused.",
    ]


def test_json_has_everything() -> None:
    """The nearest registration as well, and null where there is none."""
    near, far = json.loads(REPORTS["json"]([_judged("ghcr.io/acne/app"), _judged("x.example/y")]))

    assert near["nearest"] == {"registry": "ghcr-acme", "covers": "ghcr.io/acme"}
    assert (near["verdict"], near["file"], near["line"], near["document"]) == (
        "refused",
        "k8s.yaml",
        7,
        2,
    )
    assert far["nearest"] is None
    assert far["canonical"] == "x.example/y"


def test_github_gets_an_annotation_for_each_refused_image() -> None:
    """None for what is allowed, and none of the text can end the command or begin another."""
    odd = _judged(EVIL, "a,b:c%\nd.yaml")
    lines = REPORTS["github"]([_judged("ghcr.io/acme/app"), odd]).splitlines()

    assert len(lines) == 2
    properties, _, message = lines[0].removeprefix("::error ").partition("::")
    assert properties == "file=a%2Cb%3Ac%25%0Ad.yaml,line=7,title=Image refused"
    assert "%25" in message
    assert "##[" not in lines[0]
    assert lines[1] == "2 images: 1 allowed, 1 refused."


@pytest.mark.parametrize("form", ["people", "github"])
def test_a_text_from_a_file_begins_no_line(form: str) -> None:
    """A runner takes a line that begins with :: for a command."""
    printed = REPORTS[form]([_judged(EVIL), _judged("::error::x")])

    begins = [line.lstrip() for line in printed.splitlines()]
    assert not any(line.startswith("::") for line in begins if not line.startswith("::error file="))
    assert "##[" not in printed
    assert printed.replace("\n", "").isprintable()


def test_junit_is_well_formed_whatever_the_names_are() -> None:
    """A case for each image, a failure for each refused one."""
    suites = ET.fromstring(REPORTS["junit"]([_judged("ghcr.io/acme/app"), _judged(EVIL)]))

    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    first, second = suites.iter("testcase")
    assert first.find("failure") is None
    failure = second.find("failure")
    assert failure is not None
    assert "is not a valid image reference" in (failure.text or "")
    assert (second.get("file"), second.get("line")) == ("k8s.yaml", "7")
