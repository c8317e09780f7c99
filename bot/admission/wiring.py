"""What a cluster is given so that it asks Registrar: printed for `kubectl apply`, never applied.

The token of the cluster is in none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.admission import inventory_job, pull_store, webhook_object
from bot.admission.wired import LABELS, TOKEN_SECRET, Wiring, named, object_of
from bot.admission.written import written


def text(wiring: Wiring) -> str:
    """All of it as YAML, with what is left for a person to do in comments."""
    return "\n".join(
        [
            _first(wiring),
            written(_namespace(wiring)),
            inventory_job.words(wiring) + _optional(inventory_job.objects(wiring)),
            pull_store.words(wiring) + _optional(pull_store.objects(wiring)),
            wiring.policy.rstrip("\n") + "\n",
            webhook_object.words(wiring) + written([webhook_object.configuration(wiring)]),
        ]
    )


def _optional(objects: Iterable[dict[str, Any]]) -> str:
    found = list(objects)
    return written(found) if found else ""


def _first(wiring: Wiring) -> str:
    secret = f"kubectl -n {wiring.namespace}"
    return f"""\
# For the cluster {wiring.cluster}; printed by `registrar manifest kubernetes`, for `kubectl apply`.
# The token is not in it. Put it there once, from the file that `registrar cluster add` wrote:
#   {secret} create secret generic {TOKEN_SECRET} --from-file=token=./token
#   {secret} label secret {TOKEN_SECRET} external-secrets.io/type=webhook
"""


def _namespace(wiring: Wiring) -> list[dict[str, Any]]:
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": wiring.namespace, "labels": labels}
    found: list[dict[str, Any]] = [object_of("v1", "Namespace", metadata)]
    if wiring.ca:
        metadata = named("registrar-ca", wiring.namespace)
        found.append(object_of("v1", "ConfigMap", metadata, data={"ca.crt": wiring.ca}))
    return found
