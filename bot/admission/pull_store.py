"""How External Secrets fetches the pull secrets of namespaces.

Source: External Secrets, provider and API reference (webhook): it wants the label on the secret of
the token, and offers the functions of sprig, such as `trim`, in headers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bot.admission.wired import TOKEN_SECRET, Wiring, ca_bundle, named, object_of

PULL_SECRET: Final = "registrar-pull"  # noqa: S105  # its name
REFRESH: Final = "10m"  # well within half the life of the shortest login, an hour


def words(wiring: Wiring) -> str:
    if not wiring.pull_into:
        return "# No pull secrets: name with --pull-into each namespace that shall have one.\n"
    lines = [
        "# Pull secrets, kept fresh by External Secrets (external-secrets.io/v1). Each namespace",
        "# has a store of its own, which no other may use. Let its pods pull with the secret:",
    ]
    patch = f'{{"imagePullSecrets":[{{"name":"{PULL_SECRET}"}}]}}'
    lines += [
        f"#   kubectl -n {name} patch serviceaccount default -p '{patch}'"
        for name in wiring.pull_into
    ]
    return "\n".join(lines) + "\n"


def objects(wiring: Wiring) -> Iterable[dict[str, Any]]:
    """A store for each namespace: with one for all, whoever may write an ExternalSecret in one
    namespace could ask for what another one pulls with.
    """
    version = "external-secrets.io/v1"
    for name in wiring.pull_into:
        store = f"registrar-{name}"
        conditions = [{"namespaces": [name]}]
        provider = {"webhook": _webhook_provider(wiring, name)}
        spec: dict[str, Any] = {"conditions": conditions, "provider": provider}
        yield object_of(version, "ClusterSecretStore", named(store), spec=spec)
        data = {".dockerconfigjson": "{{ .config | toString }}"}
        kind = "kubernetes.io/dockerconfigjson"
        spec = {
            "refreshInterval": REFRESH,
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
            "target": {
                "name": PULL_SECRET,
                "creationPolicy": "Owner",
                "deletionPolicy": "Retain",
                "template": {"type": kind, "engineVersion": "v2", "data": data},
            },
            "data": [{"secretKey": "config", "remoteRef": {"key": name}}],
        }
        yield object_of(version, "ExternalSecret", named(PULL_SECRET, name), spec=spec)


def _webhook_provider(wiring: Wiring, namespace: str) -> dict[str, Any]:
    path = f"/api/v1/clusters/{wiring.cluster_id}/pull-secret?namespace={namespace}"
    secret = {"name": TOKEN_SECRET, "namespace": wiring.namespace}
    return {
        "url": wiring.url + path,
        "method": "GET",
        "timeout": "30s",
        "headers": {"Authorization": "Bearer {{ .registrar.token | trim }}"},
        "result": {"jsonPath": "$.dockerconfigjson"},
        "secrets": [{"name": "registrar", "secretRef": secret}],
        **ca_bundle(wiring),
    }
