"""Admission reviews: the request of a cluster in, the answer out.

Only images that the object did not have before are judged. Otherwise a pod whose registry is no
longer registered could not even be labelled, nor lose its finalizer, and so never be deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.admission.place import place_of
from bot.admission.reply import Reply, allow, deny
from bot.admission.request import Request, Unreadable
from bot.admission.wording import WARNING_LONGEST, Judged, denial, hints, refusal_warnings
from bot.admission.workload import Named, named
from bot.core.cluster import Mode
from bot.core.gate import Gate

UNKNOWN_CLUSTER: Final = (
    "Registrar has no cluster at this address. Correct the address in the webhook configuration, "
    "or remove the configuration when the cluster was deleted in Registrar."
)


class Outcome(StrEnum):
    """How a review ended, as it is counted.

    `audited` and `warned` were let through although an image is refused. `skipped` is no request to
    run anything. `unreadable` and `limited` were not judged: denied where refusals are enforced,
    let through elsewhere.
    """

    ALLOWED = "allowed"
    AUDITED = "audited"
    WARNED = "warned"
    DENIED = "denied"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"
    LIMITED = "limited"
    UNKNOWN = "unknown_cluster"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, how it ended, and which images (canonical) were seen at which place."""

    reply: Reply
    outcome: Outcome
    place: str = ""
    seen: tuple[str, ...] = ()


def review(body: object, gate: Gate, now: datetime, command: str) -> Answer:
    """Judge a parsed AdmissionReview; never raises for anything that is sent.

    `now` is what exemptions are measured by, `command` the slash command to name.
    """
    try:
        request = Request.read(body)
    except Unreadable as error:
        return undecided(gate, str(error), Outcome.UNREADABLE, error.uid, error.namespace)
    if not request.judged:
        return Answer(allow(request.uid), Outcome.SKIPPED)
    environment = gate.cluster.environment_of(request.namespace)
    distinct: dict[str, Named] = {}
    for one in named(request.obj):
        distinct.setdefault(one[0], one)
    decide = gate.policy.decide
    judged = [(one, decide(image, environment, now)) for image, one in distinct.items()]
    old = {image for image, _ in named(request.old)} if request.old is not None else set()
    fresh = [one for one in judged if one[0][0] not in old]
    reply, outcome = _reply(request, gate, fresh, command)
    if request.dry_run or outcome is Outcome.DENIED:  # nothing of it runs
        return Answer(reply, outcome)
    seen = tuple({verdict.image: None for _, verdict in judged if verdict.image})
    return Answer(reply, outcome, place_of(request), seen)


def undecided(
    gate: Gate, why: str, outcome: Outcome, uid: str = "", namespace: str | None = None
) -> Answer:
    """The answer to what could not be judged: no where refusals are enforced, else yes."""
    mode = gate.mode_of(namespace)
    if mode is Mode.ENFORCE:
        return Answer(deny(uid, f"Registrar could not judge this: {why}"), outcome)
    warnings = (
        [f"Registrar did not judge this: {why}"[:WARNING_LONGEST]] if mode is Mode.WARN else []
    )
    return Answer(allow(uid, warnings), outcome)


def unknown_cluster(uid: str) -> Answer:
    """The answer for a cluster that is not there, or no longer: the same for both."""
    return Answer(deny(uid, UNKNOWN_CLUSTER), Outcome.UNKNOWN)


def _reply(
    request: Request, gate: Gate, fresh: list[Judged], command: str
) -> tuple[Reply, Outcome]:
    mode = gate.mode_of(request.namespace)
    refused = [one for one in fresh if not one[1].allowed]
    if refused and mode is Mode.ENFORCE:
        return deny(request.uid, denial(refused, gate.policy, command)), Outcome.DENIED
    if mode is Mode.AUDIT:
        return allow(request.uid), Outcome.AUDITED if refused else Outcome.ALLOWED
    minded = hints([one for one in fresh if one[1].allowed])
    if refused:
        warnings = [*refusal_warnings(refused, command), *minded]
        return allow(request.uid, warnings), Outcome.WARNED
    return allow(request.uid, minded), Outcome.ALLOWED
