"""Where an image is said to be used."""

from __future__ import annotations

from typing import Any

import pytest

from bot.admission.place import place_of
from bot.admission.request import Request
from tests.admission.reviews import OURS, asked, pod

HASH = {"pod-template-hash": "5d8f9c"}


def owner(kind: str, name: str, **changes: Any) -> list[dict[str, Any]]:
    return [{"kind": "Other", "name": "x"}, {"kind": kind, "name": name, "controller": True}]


@pytest.mark.parametrize(
    ("meta", "place"),
    [
        ({}, "web/Pod/web-1"),
        ({"name": "", "generateName": "job-"}, "web/Pod/job"),
        ({"ownerReferences": owner("ReplicaSet", "web-5d8f9c"), "labels": HASH}, "Deployment/web"),
        ({"ownerReferences": owner("ReplicaSet", "web-5d8f9c")}, "ReplicaSet/web-5d8f9c"),
        ({"ownerReferences": owner("DaemonSet", "logs"), "labels": HASH}, "DaemonSet/logs"),
        ({"ownerReferences": owner("Job", "nightly-29401234")}, "CronJob/nightly"),
        ({"ownerReferences": owner("Job", "once-12")}, "Job/once-12"),
        ({"ownerReferences": [{"kind": "Node", "name": "n"}]}, "web/Pod/web-1"),
    ],
)
def test_the_place_is_the_workload_that_somebody_made(meta: dict[str, Any], place: str) -> None:
    """Not one of its pods, which have another name each time."""
    request = Request.read(asked(pod(OURS, **meta)))

    assert place_of(request) == (place if place.startswith("web/") else f"web/{place}")


@pytest.mark.parametrize(
    "meta",
    [
        {"name": None},
        {"name": ["x"]},
        {"name": "a/b"},
        {"ownerReferences": owner("", "")},
        {"ownerReferences": "none", "name": 7},
        {"ownerReferences": [{"kind": {}, "name": "x", "controller": True}]},
    ],
)
def test_what_has_no_usable_name_has_no_place(meta: dict[str, Any]) -> None:
    """Rather than one that could be taken for another."""
    assert place_of(Request.read(asked(pod(OURS, **meta)))) == ""
