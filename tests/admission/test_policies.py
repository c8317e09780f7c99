"""The printed policies: what stands in them, what they decide, and how one knows them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.admission import policies
from bot.admission.policies import Format, Group, Inputs, State, current_hash, groups_of, verify
from bot.admission.workload import images
from bot.core.cluster import ClusterView, Mode, NamespaceRule
from bot.core.policy import Exemption, Policy, Rule
from bot.core.registry import Environment
from bot.errors import InvalidInput
from tests.admission.cel_cluster import CelCluster, given, pod

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HEX = "b" * 64
RULES = (
    Rule("ghcr-acme", "ghcr.io", "acme"),
    Rule("official", "docker.io", "library"),
    Rule("harbor", "harbor.example.com:8443"),
    Rule("gitlab", "registry.gitlab.com", "group/project", "production"),
)
EXEMPT = (
    Exemption("quay.io", "tool/one", NOW + timedelta(hours=1)),
    Exemption("quay.io", "tool/two", NOW + timedelta(hours=1), f"sha256:{HEX}"),
    Exemption("quay.io", "tool/over", NOW),
)
ENFORCE = Group("enforce")
GOOD, EVIL = "ghcr.io/acme/app:1", "ghcr.io/acme-evil/app:1"


def _inputs(*groups: Group, rules: tuple[Rule, ...] = RULES) -> Inputs:
    return Inputs(Policy(rules, EXEMPT), NOW, groups or (ENFORCE,))


def _objects(inputs: Inputs, form: Format = Format.VAP, **more: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(policies.text(inputs, form, **more)))


@pytest.fixture(scope="module")
def cluster() -> CelCluster:
    """One that enforces the rules above."""
    return CelCluster(_objects(_inputs())[0]["spec"])


def _template(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = {"spec": spec}
    if kind == "Pod":
        return {"kind": kind, **template}
    if kind == "PodTemplate":
        return {"kind": kind, "template": template}
    if kind == "CronJob":
        return {"kind": kind, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    return {"kind": kind, "spec": {"template": template}}


KINDS = (
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "PodTemplate",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "place",
    [
        lambda image: {"containers": [{"image": GOOD}, {"image": image}]},
        lambda image: {"containers": [{"image": GOOD}], "initContainers": [{"image": image}]},
        lambda image: {"containers": [{"image": GOOD}], "ephemeralContainers": [{"image": image}]},
        lambda image: {"volumes": [{"name": "x"}, {"image": {"reference": image}}]},
    ],
    ids=["container", "init", "ephemeral", "volume"],
)
def test_an_image_is_judged_wherever_it_is(cluster: CelCluster, kind: str, place: Any) -> None:
    """In every kind that has a Pod's spec, and in every place there; the message names it."""
    assert cluster.admits(_template(kind, place(GOOD))) == (True, "")
    admitted, said = cluster.admits(_template(kind, place(EVIL)))

    assert not admitted
    assert said == (
        f"{EVIL}: in no registered registry. Ask for it in Slack: /registry check {EVIL}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_images_are_those_that_the_webhook_finds(cluster: CelCluster, kind: str) -> None:
    """In the same object, old and new."""
    versions = {"Pod": "v1", "PodTemplate": "v1", "ReplicationController": "v1"}
    versions |= {"Job": "batch/v1", "CronJob": "batch/v1"}
    spec = {
        "initContainers": [{"image": "a"}, {"name": "none"}],
        "containers": [{"image": "b"}, {"image": "a"}, {"image": ""}],
        "ephemeralContainers": [{"image": "c"}],
        "volumes": [{"image": {"reference": "d"}}, {"emptyDir": {}}, {"image": {}}],
    }
    value = {"apiVersion": versions.get(kind, "apps/v1"), **_template(kind, spec)}
    known = cluster.evaluate(given(value, value))["variables"]

    found = {one.image for one in images(value)}
    assert found == {"a", "b", "c", "d"}
    assert {str(one) for one in known["images"] if one} == found
    assert {str(one) for one in known["before"] if one} == found
    assert not known["fresh"]


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "ReplicationController", "spec": {"replicas": 0}},
        {"kind": "PodTemplate"},
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "x"}]}}}},
        {"kind": "Pod", "spec": {"volumes": [{"emptyDir": {}}, {"image": {}}]}},
    ],
)
def test_what_names_no_image_comes_in(cluster: CelCluster, value: dict[str, Any]) -> None:
    """A template may be missing, and an image may be filled in later."""
    assert cluster.admits(value) == (True, "")


def test_only_what_is_new_is_judged(cluster: CelCluster) -> None:
    """Or a pod that ran before the policy could not even finish being deleted."""
    assert cluster.admits(pod([EVIL]), pod([EVIL]))[0]
    assert cluster.admits(pod([EVIL, GOOD]), pod([EVIL]))[0]
    assert cluster.admits(pod([GOOD]), pod([EVIL]))[0]
    admitted, said = cluster.admits(pod([EVIL, "evil/x"]), pod([EVIL]))

    assert not admitted
    assert said.startswith("evil/x: ")


def test_exemptions_in_force_are_in_it(cluster: CelCluster) -> None:
    """For one repository or one digest of it, never for what lies below; not when it is over."""
    allowed = ["quay.io/tool/one:3", f"quay.io/tool/two:1@sha256:{HEX}"]
    refused = {
        "quay.io/tool/one/sub",
        "quay.io/tool/two:1",
        f"quay.io/tool/two@sha256:{'c' * 64}",
        "quay.io/tool/over",
    }

    assert cluster.refused([*allowed, *refused]) == refused


def test_the_message_stays_short_and_on_one_line(cluster: CelCluster) -> None:
    """A message of several lines or more than 5 KiB is dropped by the API server."""
    odd = ["a\nb", "x" * 300, "ä/b", *(f"evil/x{number}" for number in range(40))]
    _, said = cluster.admits(pod(odd))

    assert said.isprintable()
    assert len(said) < 400
    assert "(not a valid image reference)" in said
    assert " and 40 more: in no registered registry" in said


def test_an_environment_narrows() -> None:
    """A registry for production serves no staging."""
    image = "registry.gitlab.com/group/project/app"
    production = CelCluster(_objects(_inputs(Group("enforce", "production")))[0]["spec"])
    staging = CelCluster(_objects(_inputs(Group("enforce", "staging")))[0]["spec"])

    assert production.admits(pod([image, GOOD]))[0]
    admitted, said = staging.admits(pod([image, GOOD]))
    assert not admitted
    assert "in no registry registered for staging" in said


def test_kubernetes_knows_the_objects() -> None:
    """Its own schemas accept every field, in all modes."""
    for mode in ("audit", "warn", "enforce"):
        for one in _objects(_inputs(Group(mode))):
            kubernetes_validate.validate(one, "1.36", strict=True)


def test_what_the_policy_matches() -> None:
    """Creation and change of the nine kinds and of debug containers; not the system's own."""
    policy, binding = _objects(_inputs(), own_namespace="bots")

    match = policy["spec"]["matchConstraints"]
    rules = match["resourceRules"]
    resources = {f"{one['apiGroups'][0]}/{name}" for one in rules for name in one["resources"]}
    assert resources == {
        "/pods",
        "/pods/ephemeralcontainers",
        "/replicationcontrollers",
        "/podtemplates",
        "apps/deployments",
        "apps/statefulsets",
        "apps/daemonsets",
        "apps/replicasets",
        "batch/jobs",
        "batch/cronjobs",
    }
    assert all(one["operations"] == ["CREATE", "UPDATE"] for one in rules)
    (selector,) = match["namespaceSelector"]["matchExpressions"]
    assert (selector["operator"], selector["values"]) == ("NotIn", ["kube-system", "bots"])
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {
        "policyName": policy["metadata"]["name"],
        "validationActions": ["Deny"],
    }


def test_kyverno_has_the_same_expressions() -> None:
    """In one object, which brings its actions and wants no rules made of its own."""
    (kyverno,) = _objects(_inputs(Group("warn")), Format.KYVERNO)
    vap, _ = _objects(_inputs(Group("warn")))

    assert (kyverno["apiVersion"], kyverno["kind"]) == (
        "policies.kyverno.io/v1",
        "ValidatingPolicy",
    )
    for same in ("variables", "validations", "matchConstraints", "failurePolicy"):
        assert kyverno["spec"][same] == vap["spec"][same]
    assert kyverno["spec"]["validationActions"] == ["Warn", "Audit"]
    assert kyverno["spec"]["autogen"] == {"podControllers": {"controllers": []}}


def test_namespaces_with_rules_of_their_own_have_a_policy_of_their_own() -> None:
    """The others are left to the cluster's; the system's own is never in one."""
    view = ClusterView(
        id="c1",
        team_id="T1",
        name="prod",
        environment=Environment.PRODUCTION,
        mode=Mode.ENFORCE,
        namespaces={
            "dev": NamespaceRule(Mode.WARN, Environment.ANY),
            "lab": NamespaceRule(Mode.WARN, Environment.ANY),
            "same": NamespaceRule(Mode.ENFORCE),
            "kube-system": NamespaceRule(Mode.AUDIT),
        },
    )
    assert groups_of(view) == (
        Group("enforce", "production", but=("dev", "kube-system", "lab")),
        Group("audit", "production", only=("kube-system",)),
        Group("warn", "any", only=("dev", "lab")),
    )

    objects = _objects(_inputs(*groups_of(view)))
    assert [(one["metadata"]["name"], one["kind"][-7:]) for one in objects] == [
        ("registrar-images", "nPolicy"),
        ("registrar-images", "Binding"),
        ("registrar-images-any-warn", "nPolicy"),
        ("registrar-images-any-warn", "Binding"),
    ]
    (selector,) = objects[2]["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert (selector["operator"], selector["values"]) == ("In", ["dev", "lab"])


def test_the_same_rules_give_the_same_text_and_hash() -> None:
    """Whatever their order, and whatever else is registered that changes nothing."""
    turned = _inputs(rules=tuple(reversed(RULES)))
    more = _inputs(rules=(*RULES, Rule("web", "ghcr.io", "acme/web")))

    for form in Format:
        assert policies.text(_inputs(), form) == policies.text(turned, form)
    assert current_hash(_inputs()) == current_hash(turned) == current_hash(more)


@pytest.mark.parametrize(
    "changed",
    [
        _inputs(rules=RULES[1:]),
        _inputs(Group("warn")),
        _inputs(Group("enforce", "production")),
        _inputs(Group("enforce", but=("dev",))),
        Inputs(Policy(RULES, EXEMPT), NOW + timedelta(hours=2), (ENFORCE,)),
    ],
    ids=["rules", "mode", "environment", "namespaces", "lapsed"],
)
def test_what_changes_a_verdict_changes_the_hash(changed: Inputs) -> None:
    """An exemption that lapses too: the policy in the cluster has no clock."""
    assert current_hash(changed) != current_hash(_inputs())


@pytest.mark.parametrize("form", Format)
def test_a_file_is_current_behind_or_damaged(form: Format) -> None:
    """One that was cut off anywhere, or changed, is never taken for whole."""
    data = policies.text(_inputs(), form).encode()
    current = current_hash(_inputs())

    assert verify(data, current) is State.CURRENT
    assert verify(data, "other") is State.BEHIND
    assert verify(b"# a comment of yours\n" + data, current) is State.CURRENT
    cuts = (*range(0, len(data), 97), *range(len(data) - 30, len(data) - 1))
    assert {verify(data[:length], current) for length in cuts} == {State.DAMAGED}
    assert verify(data.replace(b'"ghcr.io/acme": [""]', b'"ghcr.io/evil": [""]'), current) is (
        State.DAMAGED
    )
    assert verify(data + data, current) is State.DAMAGED
    assert verify(b"kind: Pod\n", current) is State.DAMAGED
    assert verify(b"\xff\x00", current) is State.DAMAGED


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ((), "No registry covers anything there: it would refuse every image."),
        (
            tuple(Rule(f"r{n}", "ghcr.io", f"acme/app{n}") for n in range(501)),
            "with 500: register ghcr.io/acme as a whole, or use the webhook.",
        ),
        (
            tuple(Rule(f"r{n}", "ghcr.io", f"organisation-{n}") for n in range(5000)),
            "letters long, and a cluster reads 90,000: use the webhook, or fewer path scopes.",
        ),
    ],
)
def test_rules_that_no_cluster_can_hold_are_refused(rules: tuple[Rule, ...], sentence: str) -> None:
    """Before anybody applies them, with what to do."""
    with pytest.raises(InvalidInput) as caught:
        policies.text(_inputs(rules=rules), Format.VAP)

    assert str(caught.value).endswith(sentence)


def test_a_thousand_owners_fit() -> None:
    """Each image is compared with the paths of its own owner only."""
    rules = tuple(Rule(f"r{n}", "ghcr.io", f"owner{n}") for n in range(1000))
    cluster = CelCluster(_objects(_inputs(rules=rules))[0]["spec"])

    assert cluster.refused(["ghcr.io/owner999/app", "ghcr.io/owner1000/app"]) == {
        "ghcr.io/owner1000/app"
    }
