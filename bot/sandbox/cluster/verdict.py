"""What the webhook answered, as an API server reads it: strictly, or as a call that failed."""

from __future__ import annotations

from dataclasses import dataclass

WEBHOOK = "images.registrar.internal"


class CallFailed(Exception):  # the tree's names say what happened
    """The webhook gave no answer that counts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an object is admitted; `message` is why not.

    `unasked` says what went wrong when there was no answer and the object is admitted all the same,
    as a webhook with `failurePolicy: Ignore` does.
    """

    allowed: bool
    message: str = ""
    warnings: tuple[str, ...] = ()
    unasked: str = ""

    @property
    def denial(self) -> str:
        """What whoever asked is told."""
        if not self.message:
            return f'admission webhook "{WEBHOOK}" denied the request without explanation'
        return f'admission webhook "{WEBHOOK}" denied the request: {self.message}'


def read(body: object, uid: str) -> Verdict:
    """The verdict in a reply to the review `uid`; raises CallFailed where a server would fail."""
    if not isinstance(body, dict) or body.get("kind") != "AdmissionReview":
        raise CallFailed("The reply is no AdmissionReview.")
    if body.get("apiVersion") != "admission.k8s.io/v1":
        raise CallFailed("The reply is of another version.")
    response = body.get("response")
    if not isinstance(response, dict) or response.get("uid") != uid:
        raise CallFailed("The reply is to another request.")
    allowed, status = response.get("allowed"), response.get("status")
    if not isinstance(allowed, bool) or "patch" in response:
        raise CallFailed("The reply does not say whether the object is allowed.")
    message = str(status.get("message", "")) if isinstance(status, dict) else ""
    said = response.get("warnings")
    warnings = tuple(str(one) for one in said) if isinstance(said, list) else ()
    return Verdict(allowed, "" if allowed else message, warnings)
