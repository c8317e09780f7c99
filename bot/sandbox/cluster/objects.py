"""What an API server holds and asks about: a deployment, its replica set, its pods.

Source: kubernetes.io, the API reference; the shape of the request as a real server sent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

JSON = dict[str, Any]
PERSON: Final = "kubernetes-admin"
CONTROLLERS: Final = {
    "ReplicaSet": "system:serviceaccount:kube-system:deployment-controller",
    "Pod": "system:serviceaccount:kube-system:replicaset-controller",
}
_RESOURCES: Final = {
    "Deployment": ("apps", "deployments"),
    "ReplicaSet": ("apps", "replicasets"),
    "Pod": ("", "pods"),
}


def deployment(namespace: str, name: str, image: str, uid: str) -> JSON:
    """As `kubectl create deployment` makes one."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
                    ]
                },
            },
        },
    }


def replica_set(owner: JSON, suffix: str, uid: str) -> JSON:
    """The one that a deployment makes; `suffix` stands for its template."""
    meta, spec = owner["metadata"], owner["spec"]
    labels = {**meta["labels"], "pod-template-hash": suffix}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": _owned(owner, f"{meta['name']}-{suffix}", uid, labels),
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {**spec["template"], "metadata": {"labels": labels}},
        },
    }


def pod(owner: JSON, suffix: str, uid: str) -> JSON:
    """One of a replica set."""
    meta, template = owner["metadata"], owner["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _owned(owner, f"{meta['name']}-{suffix}", uid, meta["labels"]),
        "spec": template["spec"],
    }


def review(obj: JSON, uid: str, *, dry_run: bool = False) -> JSON:
    """The question whether `obj` may be created."""
    kind, (group, resources) = obj["kind"], _RESOURCES[obj["kind"]]
    kinds = {"group": group, "version": "v1", "kind": kind}
    resource = {"group": group, "version": "v1", "resource": resources}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": kinds,
            "resource": resource,
            "requestKind": kinds,
            "requestResource": resource,
            "name": obj["metadata"]["name"],
            "namespace": obj["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {
                "username": CONTROLLERS.get(kind, PERSON),
                "groups": ["system:authenticated"],
            },
            "object": obj,
            "oldObject": None,
            "dryRun": dry_run,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def _owned(owner: JSON, name: str, uid: str, labels: Mapping[str, str]) -> JSON:
    meta = owner["metadata"]
    controller = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name,
        "namespace": meta["namespace"],
        "uid": uid,
        "labels": dict(labels),
        "ownerReferences": [controller],
    }
