"""The job in a cluster that tells Registrar what runs there, with no more rights than it needs.

Source: kubernetes.io, "Pod Security Standards" (restricted).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bot.admission.wired import LABELS, TOKEN_SECRET, Wiring, named, object_of

READ: Final = (
    ("", ("pods", "replicationcontrollers")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
    ("admissionregistration.k8s.io", ("validatingadmissionpolicies",)),
)
"""What it lists, by group."""
_EVERY_MINUTES: Final = 15
_NOBODY: Final = 65532


def words(wiring: Wiring) -> str:
    if wiring.image:
        return "# The inventory: lists what runs, changes nothing.\n"
    return (
        "# No inventory: name with --image an image of yours that has `registrar` in it\n"
        "# (pip install 'registrar[kubernetes]').\n"
    )


def objects(wiring: Wiring) -> Iterable[dict[str, Any]]:
    if not wiring.image:
        return
    name = "registrar-inventory"
    metadata = named(name, wiring.namespace)
    yield object_of("v1", "ServiceAccount", metadata, automountServiceAccountToken=False)
    access = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [group], "resources": list(resources), "verbs": ["list"]}
        for group, resources in READ
    ]
    yield object_of(f"{access}/v1", "ClusterRole", named(name), rules=rules)
    yield object_of(
        f"{access}/v1",
        "ClusterRoleBinding",
        named(name),
        roleRef={"apiGroup": access, "kind": "ClusterRole", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": wiring.namespace}],
    )
    spec = {
        # Clusters do not all come in the same minute.
        "schedule": f"{int(wiring.cluster_id, 16) % _EVERY_MINUTES}-59/{_EVERY_MINUTES} * * * *",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": {
                "backoffLimit": 2,
                "activeDeadlineSeconds": 600,
                "template": {"metadata": {"labels": LABELS}, "spec": _pod(wiring, name)},
            }
        },
    }
    yield object_of("batch/v1", "CronJob", metadata, spec=spec)


def _pod(wiring: Wiring, account: str) -> dict[str, Any]:
    """Fit for the restricted profile."""
    environment = {
        "REGISTRAR_URL": wiring.url,
        "REGISTRAR_CLUSTER": wiring.cluster_id,
        "REGISTRAR_TOKEN_FILE": "/etc/registrar/token",
    }
    mounts = [{"name": "token", "mountPath": "/etc/registrar", "readOnly": True}]
    secret = {"secretName": TOKEN_SECRET, "items": [{"key": "token", "path": "token"}]}
    volumes: list[dict[str, Any]] = [{"name": "token", "secret": secret}]
    if wiring.ca:
        environment["SSL_CERT_FILE"] = "/etc/registrar-ca/ca.crt"
        mounts.append({"name": "ca", "mountPath": "/etc/registrar-ca", "readOnly": True})
        volumes.append({"name": "ca", "configMap": {"name": "registrar-ca"}})
    container = {
        "name": "inventory",
        "image": wiring.image,
        "command": ["registrar", "inventory"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "volumeMounts": mounts,
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "serviceAccountName": account,
        "automountServiceAccountToken": True,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "fsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }
