"""What is printed for a cluster is made from, and the shape all of its objects share."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from bot.admission.policies import OWN_NAMESPACE

TOKEN_SECRET: Final = "registrar-token"  # noqa: S105  # its name
LABELS: Final = {"app.kubernetes.io/managed-by": "registrar"}


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which cluster, where Registrar is, and what is wanted.

    `url` has no slash at its end. `pull_into` are the namespaces that get a pull secret. `image` is
    one with `registrar inventory` in it; empty: no inventory. `ca` are the certificate authorities
    (PEM) that vouch for `url`; empty: the usual ones. `policy` is printed as it is.
    """

    cluster: str
    cluster_id: str
    url: str
    namespace: str = OWN_NAMESPACE
    pull_into: tuple[str, ...] = ()
    image: str = ""
    fail: bool = False
    ca: str = ""
    policy: str = ""


def named(name: str, namespace: str = "") -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {"name": name, **where, "labels": dict(LABELS)}


def object_of(version: str, kind: str, metadata: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def ca_bundle(wiring: Wiring) -> dict[str, str]:
    if not wiring.ca:
        return {}
    return {"caBundle": base64.b64encode(wiring.ca.encode()).decode("ascii")}
