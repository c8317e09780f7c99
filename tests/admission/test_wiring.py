"""What is printed for a cluster: valid, with least rights, and without the token."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.admission import inventory_job, wiring
from bot.admission.wired import Wiring
from bot.core.image import Reference
from bot.inventory import look

ID = "0123456789abcdef0123456789abcdef"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
POLICY = "# the policy\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: stands-for-it\n"


def made(**changes: Any) -> Wiring:
    usual: dict[str, Any] = {
        "cluster": "prod-eu",
        "cluster_id": ID,
        "url": "https://registrar.example.com",
        "pull_into": ("web", "shop"),
        "image": "ghcr.io/acme/registrar:1",
        "policy": POLICY,
    }
    return Wiring(**{**usual, **changes})


def objects(kind: str = "", **changes: Any) -> list[dict[str, Any]]:
    found = [one for one in yaml.safe_load_all(wiring.text(made(**changes))) if one]
    return [one for one in found if not kind or one["kind"] == kind]


@pytest.mark.parametrize("changes", [{}, {"ca": PEM, "fail": True, "namespace": "ops"}])
@pytest.mark.parametrize("version", ["1.30", "1.36"])
def test_all_of_it_is_valid(version: str, changes: dict[str, Any]) -> None:
    """By Kubernetes' own schemas; those of External Secrets are held by the tests below."""
    own = [one for one in objects(**changes) if "external-secrets" not in one["apiVersion"]]
    for one in own:
        kubernetes_validate.validate(one, version, strict=True)
    assert {one["kind"] for one in own} >= {
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "CronJob",
        "ValidatingWebhookConfiguration",
    }


def test_the_inventory_may_list_and_nothing_else() -> None:
    """Exactly what it reads; its account has no token of its own elsewhere."""
    (role,) = objects("ClusterRole")
    (account,) = objects("ServiceAccount")

    assert [rule["verbs"] for rule in role["rules"]] == [["list"]] * len(inventory_job.READ)
    named = {(rule["apiGroups"][0], one) for rule in role["rules"] for one in rule["resources"]}
    paths = [path.split("/") for path, *_ in (*look.KINDS, (look.POLICIES,))]
    assert named == {("" if path[1] == "api" else path[2], path[-1]) for path in paths}
    assert account["automountServiceAccountToken"] is False


def test_the_inventory_fits_the_restricted_profile() -> None:
    """Which its namespace enforces."""
    (job,) = objects("CronJob")
    (namespace,) = objects("Namespace")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["command"] == ["registrar", "inventory"]
    assert {"name": "REGISTRAR_CLUSTER", "value": ID} in container["env"]
    assert not any("valueFrom" in one for one in container["env"])


def test_clusters_do_not_come_in_the_same_minute() -> None:
    """The minute follows from the id."""
    minutes = set()
    for number in range(15):
        (job,) = objects("CronJob", cluster_id=f"{number:032x}")
        minutes.add(job["spec"]["schedule"])
    assert len(minutes) == 15
    assert "0-59/15 * * * *" in minutes


def test_the_webhook_is_as_it_should_be() -> None:
    """It fails open unless asked otherwise, judges the system's namespaces never, debug containers always."""
    (found,) = objects("ValidatingWebhookConfiguration")
    (strict,) = objects("ValidatingWebhookConfiguration", fail=True, namespace="ops")
    (webhook,) = found["webhooks"]

    assert webhook["clientConfig"] == {"url": f"https://registrar.example.com/admission/{ID}"}
    assert (webhook["failurePolicy"], strict["webhooks"][0]["failurePolicy"]) == ("Ignore", "Fail")
    assert (webhook["timeoutSeconds"], webhook["sideEffects"]) == (3, "NoneOnDryRun")
    assert webhook["admissionReviewVersions"] == ["v1"]
    assert "pods/ephemeralcontainers" in webhook["rules"][0]["resources"]
    assert webhook["namespaceSelector"]["matchExpressions"] == [
        {
            "key": "kubernetes.io/metadata.name",
            "operator": "NotIn",
            "values": ["kube-system", "registrar"],
        }
    ]
    selector = strict["webhooks"][0]["namespaceSelector"]["matchExpressions"][0]
    assert selector["values"] == ["kube-system", "ops"]


def test_no_namespace_can_read_what_another_one_pulls_with() -> None:
    """Each has a store of its own, whose address is fixed and which no other namespace may use."""
    stores = objects("ClusterSecretStore")
    wanted = objects("ExternalSecret")

    for name, store, one in zip(("web", "shop"), stores, wanted, strict=True):
        provider = store["spec"]["provider"]["webhook"]
        assert store["spec"]["conditions"] == [{"namespaces": [name]}]
        assert provider["url"] == (
            f"https://registrar.example.com/api/v1/clusters/{ID}/pull-secret?namespace={name}"
        )
        assert "remoteRef" not in provider["url"]
        assert provider["result"] == {"jsonPath": "$.dockerconfigjson"}
        assert provider["secrets"][0]["secretRef"]["namespace"] == "registrar"
        assert one["metadata"]["namespace"] == name
        assert one["spec"]["secretStoreRef"]["name"] == store["metadata"]["name"]
        assert one["spec"]["target"]["deletionPolicy"] == "Retain"
        assert one["spec"]["target"]["template"]["type"] == "kubernetes.io/dockerconfigjson"


def test_an_own_authority_reaches_all_three() -> None:
    """Webhook, store and inventory."""
    (hook,) = objects("ValidatingWebhookConfiguration", ca=PEM)
    (store, _) = objects("ClusterSecretStore", ca=PEM)
    (job,) = objects("CronJob", ca=PEM)
    (data,) = objects("ConfigMap", ca=PEM, policy="")

    bundle = hook["webhooks"][0]["clientConfig"]["caBundle"]
    assert store["spec"]["provider"]["webhook"]["caBundle"] == bundle
    assert data["data"]["ca.crt"] == PEM
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert {"name": "SSL_CERT_FILE", "value": "/etc/registrar-ca/ca.crt"} in pod["containers"][0][
        "env"
    ]


def test_what_is_not_wanted_is_left_out_and_said() -> None:
    """In a comment, with what to give."""
    text = wiring.text(made(image="", pull_into=()))

    kinds = {one["kind"] for one in yaml.safe_load_all(text) if one}
    assert kinds == {"Namespace", "ConfigMap", "ValidatingWebhookConfiguration"}
    assert "--image" in text
    assert "--pull-into" in text


def test_how_the_token_gets_there_is_said() -> None:
    """The commands, with a file in place of the token."""
    text = wiring.text(made())

    assert "create secret generic registrar-token --from-file=token=./token" in text
    assert "label secret registrar-token external-secrets.io/type=webhook" in text
    assert not [one for one in objects() if one["kind"] == "Secret"]


def test_the_image_of_the_inventory_is_taken_as_typed() -> None:
    """A digest and all."""
    image = f"registry.example.com:5000/ops/registrar@sha256:{'a' * 64}"
    (job,) = objects("CronJob", image=image)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert Reference.parse(pod["containers"][0]["image"]).digest
