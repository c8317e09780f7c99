"""What the API server asks: the part of an AdmissionReview that matters here.

Source: the API `admission.k8s.io/v1`. Nothing that arrives is trusted to have the shape it should.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"
_UID_LONGEST: Final = 128
_JUDGED: Final = ("CREATE", "UPDATE")
_OTHERS: Final = ("DELETE", "CONNECT")


class Unreadable(Exception):  # the tree's names say what happened
    """Not a request that can be judged; its text says what is wrong with it.

    `uid` and `namespace` are what could be read of them all the same.
    """

    def __init__(self, sentence: str, uid: str = "", namespace: str | None = None) -> None:
        self.uid = uid
        self.namespace = namespace
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to create or change an object, or another one that is not `judged`.

    `old` is None unless the object is changed. `dry_run`: nothing of it may be kept.
    """

    uid: str
    namespace: str
    judged: bool
    obj: dict[str, Any]
    old: dict[str, Any] | None
    dry_run: bool

    @classmethod
    def read(cls, review: object) -> Self:
        """Read a parsed AdmissionReview; raises Unreadable."""
        asked = review.get("request") if isinstance(review, dict) else None
        if not isinstance(review, dict) or not isinstance(asked, dict):
            raise Unreadable("This is not an AdmissionReview with a request.")
        uid, namespace = asked.get("uid"), asked.get("namespace", "")
        if not isinstance(uid, str) or not 0 < len(uid) <= _UID_LONGEST:
            raise Unreadable("The request has no uid.")
        if not isinstance(namespace, str):
            raise Unreadable("The namespace of the request is not a text.", uid)
        if review.get("apiVersion") != VERSION or review.get("kind") != KIND:
            raise Unreadable(f"Send an {KIND} of {VERSION}.", uid, namespace)
        operation, obj, old = (asked.get(key) for key in ("operation", "object", "oldObject"))
        if operation not in _JUDGED + _OTHERS:
            raise Unreadable("The request names no operation.", uid, namespace)
        judged = operation in _JUDGED
        if judged and not isinstance(obj, dict):
            raise Unreadable("The request has no object.", uid, namespace)
        return cls(
            uid=uid,
            namespace=namespace,
            judged=judged,
            obj=obj if isinstance(obj, dict) else {},
            old=old if operation == "UPDATE" and isinstance(old, dict) else None,
            dry_run=asked.get("dryRun") not in (None, False),
        )
