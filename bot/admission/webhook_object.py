"""The webhook configuration of a cluster.

Source: kubernetes.io, "Dynamic Admission Control" and its good practices.
"""

from __future__ import annotations

from typing import Any, Final

from bot.admission.policies import BY_NAME, RULES, SYSTEM_NAMESPACE
from bot.admission.wired import Wiring, ca_bundle, named, object_of

SECONDS: Final = 3
# A static pod runs whether its mirror is admitted or not; only its node may write one.
_NO_MIRROR_PODS: Final = (
    "!(request.userInfo.username.startsWith('system:node:') && has(object.metadata.annotations)"
    " && 'kubernetes.io/config.mirror' in object.metadata.annotations)"
)


def words(wiring: Wiring) -> str:
    first = "# The webhook: hears of every image at once, and warns; deleting it is the way out.\n"
    if not wiring.fail:
        return first
    return first + "# While Registrar cannot be reached nothing is deployed (--fail).\n"


def configuration(wiring: Wiring) -> dict[str, Any]:
    client = {"url": f"{wiring.url}/admission/{wiring.cluster_id}", **ca_bundle(wiring)}
    never = [SYSTEM_NAMESPACE, wiring.namespace]
    webhook = {
        "name": "images.registrar.internal",
        "clientConfig": client,
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": [version],
                "operations": ["CREATE", "UPDATE"],
                "resources": list(resources),
                "scope": "Namespaced",
            }
            for group, version, resources in RULES
        ],
        "matchPolicy": "Equivalent",
        "namespaceSelector": {
            "matchExpressions": [{"key": BY_NAME, "operator": "NotIn", "values": never}]
        },
        "matchConditions": [{"name": "no-mirror-pods", "expression": _NO_MIRROR_PODS}],
        "failurePolicy": "Fail" if wiring.fail else "Ignore",
        "timeoutSeconds": SECONDS,
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
    }
    version = "admissionregistration.k8s.io/v1"
    kind = "ValidatingWebhookConfiguration"
    return object_of(version, kind, named("registrar-images"), webhooks=[webhook])
