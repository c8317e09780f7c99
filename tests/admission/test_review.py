"""What a cluster is answered."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admission.review import Answer, Outcome, review, undecided, unknown_cluster
from bot.core.cluster import Mode, NamespaceRule
from bot.core.gate import Gate
from bot.core.registry import Environment
from tests.admission.reviews import EXEMPT, FOREIGN, NOW, OURS, STAGED, UID, asked, gate, pod
from tests.admission.test_workload import ANYTHING

LAX = NamespaceRule(Mode.AUDIT)


def judge(body: object, by: Gate | None = None) -> Answer:
    return review(body, by or gate(), NOW, "/registry")


def response(answer: Answer) -> dict[str, Any]:
    """The response, once the reply was seen to be one that an API server accepts."""
    reply = json.loads(json.dumps(answer.reply))
    assert (reply["apiVersion"], reply["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: dict[str, Any] = reply["response"]
    assert isinstance(found["uid"], str)
    assert "patch" not in found
    assert found["allowed"] in (True, False)
    if not found["allowed"]:
        assert found["status"]["code"] == 403
        assert found["status"]["message"]
    for warning in found.get("warnings", []):
        assert 0 < len(warning) <= 120
        assert warning.isprintable()
    assert len(found.get("warnings", [])) <= 10
    return found


def message(answer: Answer) -> str:
    text: str = response(answer)["status"]["message"]
    return text


def test_images_of_a_registered_registry_may_run() -> None:
    """The uid comes back, and nobody is warned of anything."""
    answer = judge(asked(pod(OURS, "docker.io/nginx:1")))

    assert answer.outcome is Outcome.ALLOWED
    assert response(answer) == {"uid": UID, "allowed": True}


def test_a_refusal_says_what_to_do() -> None:
    """Where the image stands, what it was read as, why not, what was meant, and how to ask."""
    answer = judge(asked(pod(OURS, "GHCR.io/acme-evil/app:1")))

    assert answer.outcome is Outcome.DENIED
    assert message(answer) == (
        "“GHCR.io/acme-evil/app:1” (spec.containers[1].image) may not run here: "
        "ghcr.io/acme-evil/app is in no registered registry. The nearest registration is "
        "ghcr.io/acme (acme). To ask for it, type in Slack: /registry check ghcr.io/acme-evil/app:1"
    )


def test_text_that_is_no_reference_is_refused() -> None:
    """It stands in the message on one line, and short."""
    told = message(judge(asked(pod(f"a\nb{'x' * 5000}"))))

    assert told.startswith("“a\ufffdbxxx")
    assert "is not a valid image reference" in told
    assert told.endswith("(spec.containers[0].image). Write it as HOST/PATH:TAG, in lower case.")
    assert told.isprintable()
    assert len(told) < 400


def test_many_refused_images_are_counted() -> None:
    """Nobody reads ten thousand lines."""
    told = message(judge(asked(pod(*(f"evil{number}.example/x" for number in range(10_000))))))

    assert "9,997 more images are refused too." in told
    assert len(told) < 1000


@pytest.mark.parametrize(
    ("mode", "allowed", "outcome", "warned"),
    [
        (Mode.AUDIT, True, Outcome.AUDITED, 0),
        (Mode.WARN, True, Outcome.WARNED, 1),
        (Mode.ENFORCE, False, Outcome.DENIED, 0),
    ],
)
def test_the_mode_says_what_becomes_of_a_refusal(
    mode: Mode, allowed: bool, outcome: Outcome, warned: int
) -> None:
    """Audit lets it run in silence, warn says so, enforce does not."""
    answer = judge(asked(pod(FOREIGN)), gate(mode))

    assert answer.outcome is outcome
    assert response(answer)["allowed"] is allowed
    assert len(response(answer).get("warnings", [])) == warned


def test_a_warning_says_what_to_do() -> None:
    """In 120 letters, beyond which the server cuts."""
    long = f"evil.example/{'x' * 200}:1"
    answer = judge(asked(pod(FOREIGN, long, "a b", STAGED)), gate(Mode.WARN))

    assert response(answer)["warnings"] == [
        "“evil.example/x:1” is in no registered registry; see /registry check",
        f"“evil.example/{'x' * 54}…” is in no registered registry; see /registry check",
        "“a b” is not a valid image reference",
    ]


def test_warnings_are_few() -> None:
    """Beyond 4,096 letters the server drops them."""
    answer = judge(asked(pod(*(f"evil{at}.example/x" for at in range(50)))), gate(Mode.WARN))
    warnings = response(answer)["warnings"]

    assert len(warnings) == 5
    assert warnings[-1] == "46 more images have the same fault"


def test_a_namespace_may_have_a_mode_and_an_environment_of_its_own() -> None:
    """Only registries for its environment serve it."""
    production = NamespaceRule(environment=Environment.PRODUCTION)
    by = gate(Mode.ENFORCE, web=production, lab=LAX)

    assert "stage, which is for staging only" in message(judge(asked(pod(STAGED)), by))
    assert judge(asked(pod(OURS)), by).outcome is Outcome.ALLOWED
    assert judge(asked(pod(STAGED), namespace="other"), by).outcome is Outcome.ALLOWED
    assert judge(asked(pod(FOREIGN), namespace="lab"), by).outcome is Outcome.AUDITED
    assert judge(asked(pod(FOREIGN), namespace=""), by).outcome is Outcome.DENIED


def test_an_exemption_counts_until_it_lapses() -> None:
    """To the second, whenever the rules were read last."""
    body = asked(pod(EXEMPT))

    assert judge(body).outcome is Outcome.ALLOWED
    late = review(body, gate(), NOW + timedelta(hours=1), "/registry")
    assert late.outcome is Outcome.DENIED


@pytest.mark.parametrize(
    ("new", "old", "outcome"),
    [
        (pod(FOREIGN, labels={"a": "b"}), pod(FOREIGN), Outcome.ALLOWED),
        (pod(FOREIGN, finalizers=[]), pod(FOREIGN, finalizers=["x"]), Outcome.ALLOWED),
        (pod(OURS), pod(FOREIGN), Outcome.ALLOWED),
        (pod(FOREIGN, OURS), pod(FOREIGN), Outcome.ALLOWED),
        (pod(FOREIGN, "other.example/x"), pod(FOREIGN), Outcome.DENIED),
        (pod(FOREIGN), pod(OURS), Outcome.DENIED),
        (pod(FOREIGN), {}, Outcome.DENIED),
        (pod(FOREIGN), "nothing", Outcome.DENIED),
    ],
)
def test_only_new_images_are_judged(new: object, old: object, outcome: Outcome) -> None:
    """Otherwise a pod of a registry that is gone could not even be deleted."""
    assert judge(asked(new, old)).outcome is outcome


def test_what_is_created_has_no_old_images() -> None:
    """Whatever the request claims."""
    body = asked(pod(FOREIGN), pod(FOREIGN), operation="CREATE")

    assert judge(body).outcome is Outcome.DENIED


def test_a_debug_container_is_judged() -> None:
    """`kubectl debug` sends the whole pod as a change of a part of it."""
    new = pod(OURS)
    new["spec"]["ephemeralContainers"] = [{"name": "debug", "image": FOREIGN}]
    body = asked(new, pod(OURS), subResource="ephemeralcontainers")

    assert "spec.ephemeralContainers[0].image" in message(judge(body))


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_other_operations_pass(operation: str) -> None:
    """Nothing comes to run by them, and a refused pod must be deletable."""
    answer = judge(asked(None, pod(FOREIGN), operation=operation))

    assert answer.outcome is Outcome.SKIPPED
    assert response(answer)["allowed"] is True


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        ("GHCR.IO/acme/app", "write the host as ghcr.io, or its pull secret is not found"),
        ("ghcr.io:443/acme/app", "write the host as ghcr.io, or its pull secret is not found"),
        (
            "registry-1.docker.io/library/nginx",
            "write the host as docker.io, or its pull secret is not found",
        ),
        ("nginx:1", "write docker.io/library/nginx, as a short name can mean another place"),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_an_allowed_image_that_may_not_be_pulled_is_hinted_at(
    image: str, hint: str, mode: Mode
) -> None:
    """Nodes look under the host as it is written; in audit mode nobody hears of anything."""
    answer = judge(asked(pod(image)), gate(mode))

    assert answer.outcome is Outcome.ALLOWED
    warned = response(answer).get("warnings", [])
    assert warned == ([] if mode is Mode.AUDIT else [f"“{image}”: {hint}"])


@pytest.mark.parametrize("image", ["index.docker.io/library/nginx", "docker.io/nginx", OURS])
def test_an_image_that_can_be_pulled_needs_no_hint(image: str) -> None:
    """Docker Hub's other name and its short form serve as well."""
    assert response(judge(asked(pod(image)))) == {"uid": UID, "allowed": True}


def test_what_was_seen_is_told_but_not_of_what_does_not_run() -> None:
    """Canonical, once each, covered or not; nothing of a dry run, nor of what is denied."""
    seen, lax = pod("nginx:1", "docker.io/nginx:1", FOREIGN, "a b"), gate(Mode.AUDIT)

    assert judge(asked(seen), lax).seen == ("docker.io/library/nginx:1", FOREIGN)
    assert judge(asked(seen), lax).place == "web/Pod/web-1"
    assert judge(asked(pod(OURS))).seen == (OURS,)
    assert judge(asked(seen)).seen == ()
    for dry in (True, "yes", 1):
        assert judge(asked(seen, dryRun=dry), lax).seen == ()


UNREADABLE: list[object] = [
    None,
    [],
    "text",
    7,
    {},
    {"request": []},
    {"request": {"uid": UID}},
    asked(pod(OURS)) | {"apiVersion": "admission.k8s.io/v1beta1"},
    asked(pod(OURS)) | {"kind": "Pod"},
    asked(pod(OURS), uid=7),
    asked(pod(OURS), uid=""),
    asked(pod(OURS), uid="u" * 1000),
    asked(pod(OURS), operation="PATCH"),
    asked(pod(OURS), operation=["CREATE"]),
    asked(pod(OURS), namespace=["web"]),
    asked(None),
    asked([pod(OURS)]),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_cannot_be_judged_is_denied_where_refusals_are_enforced(body: object) -> None:
    """A silent yes would be a way around; elsewhere it passes."""
    assert "Registrar could not judge this: " in message(judge(body))
    assert judge(body).outcome is Outcome.UNREADABLE
    assert len(response(judge(body, gate(Mode.WARN)))["warnings"]) == 1
    assert response(judge(body, gate(Mode.AUDIT)))["allowed"] is True


def test_the_uid_is_echoed_where_it_can_be_read() -> None:
    """Without it the server takes the answer for a failure, and may let the object in."""
    assert response(judge(asked(None)))["uid"] == UID


def test_one_strict_namespace_denies_what_names_none() -> None:
    """It could be of that namespace."""
    strict = NamespaceRule(Mode.ENFORCE)

    assert response(judge({}, gate(Mode.AUDIT, web=strict)))["allowed"] is False
    assert response(judge({}, gate(Mode.AUDIT, web=LAX)))["allowed"] is True
    told = judge(asked(None, namespace="lab"), gate(Mode.ENFORCE, lab=LAX))
    assert response(told)["allowed"] is True


def test_other_answers_are_well_formed_too() -> None:
    """To those who ask too often, and for a cluster that is not there."""
    limited = undecided(gate(), "Too many requests.", Outcome.LIMITED, UID)
    unknown = unknown_cluster(UID)

    assert "Too many requests." in message(limited)
    assert "no cluster at this address" in message(unknown)
    assert unknown.outcome is Outcome.UNKNOWN


@given(body=ANYTHING, mode=st.sampled_from(Mode))
def test_random_json_is_answered(body: object, mode: Mode) -> None:
    """Well-formed, and never with a yes where refusals are enforced."""
    found = response(judge(body, gate(mode)))

    assert found["allowed"] is (mode is not Mode.ENFORCE)


@given(obj=ANYTHING, old=ANYTHING, changes=st.dictionaries(st.text(max_size=9), ANYTHING))
def test_a_review_of_random_objects_is_answered(
    obj: object, old: object, changes: dict[str, Any]
) -> None:
    """With its uid, whatever is around it."""
    body = asked({"spec": obj, "metadata": old, "kind": old}, old, **changes)

    assert response(judge(body))["uid"] in (UID, "")
