"""Which images an object names: everywhere they can stand, whatever else is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admission.workload import Found, images

IMAGES = ["init", "sidecar", "app", "debug", "volume"]
POD = {
    "initContainers": [{"name": "a", "image": "init"}, {"image": "sidecar"}],
    "containers": [{"name": "b", "image": "app"}],
    "ephemeralContainers": [{"name": "c", "image": "debug"}],
    "volumes": [{"name": "d", "emptyDir": {}}, {"image": {"reference": "volume"}}],
}
TEMPLATE = {"template": {"metadata": {"labels": {"app": "web"}}, "spec": POD}}
LONG = "k" * 1000


def kind(version: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": name, "metadata": {"name": "web"}, **parts}


def names(obj: object) -> list[str]:
    return [one.image for one in images(obj)]


@pytest.mark.parametrize(
    ("obj", "below"),
    [
        (kind("v1", "Pod", spec=POD), "spec"),
        (kind("apps/v1", "Deployment", spec=TEMPLATE), "spec.template.spec"),
        (kind("apps/v1", "StatefulSet", spec=TEMPLATE), "spec.template.spec"),
        (kind("apps/v1", "DaemonSet", spec=TEMPLATE), "spec.template.spec"),
        (kind("apps/v1", "ReplicaSet", spec=TEMPLATE), "spec.template.spec"),
        (kind("v1", "ReplicationController", spec=TEMPLATE), "spec.template.spec"),
        (kind("batch/v1", "Job", spec=TEMPLATE), "spec.template.spec"),
        (
            kind("batch/v1", "CronJob", spec={"jobTemplate": {"spec": TEMPLATE}}),
            "spec.jobTemplate.spec.template.spec",
        ),
        (kind("v1", "PodTemplate", **TEMPLATE), "template.spec"),
        (kind("extensions/v1beta1", "Deployment", spec=TEMPLATE), "spec.template.spec"),
        (kind("argoproj.io/v1alpha1", "Rollout", spec=TEMPLATE), "spec.template.spec"),
        (kind("serving.knative.dev/v1", "Service", spec=TEMPLATE), "spec.template.spec"),
        (kind("evil.example/v1", "Pod", spec={"deep": [[POD]]}), "spec.deep[0][0]"),
        (kind("v1", "List", items=[kind("v1", "Pod", spec=POD)]), "items[0].spec"),
        ([{}, kind("apps/v1", "Deployment", spec=TEMPLATE)], "[1].spec.template.spec"),
    ],
)
def test_every_place_of_every_kind_is_looked_at(obj: object, below: str) -> None:
    """Init containers, sidecars, debug containers and image volumes as well as containers."""
    assert images(obj) == [
        Found(f"{below}.initContainers[0].image", "init"),
        Found(f"{below}.initContainers[1].image", "sidecar"),
        Found(f"{below}.containers[0].image", "app"),
        Found(f"{below}.ephemeralContainers[0].image", "debug"),
        Found(f"{below}.volumes[1].image.reference", "volume"),
    ]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"steps": [{"image": "a"}], "sidecars": [{"image": "b"}]}, ["a", "b"]),
        ({"stepTemplate": {"image": "a"}}, ["a"]),
        ({"taskSpec": {"steps": [{"name": "x", "image": "a"}]}}, ["a"]),
        ({"templates": [{"container": {"image": "a"}}, {"script": {"image": "b"}}]}, ["a", "b"]),
        ({"volumes": [{"containerDisk": {"image": "a"}}]}, ["a"]),
        ({"containers": {"web": {"image": "a"}}}, ["a"]),
        ({"driver": {"image": "a", "imagePullPolicy": "Always"}}, ["a"]),
        ({"image": "logo.png", "screenshots": [{"image": "b.png"}]}, []),
        ({"versions": [{"containers": {"type": "array", "items": {"type": "object"}}}]}, []),
    ],
)
def test_resources_that_kubernetes_does_not_know(spec: object, found: list[str]) -> None:
    """Tekton, Argo Workflows, KubeVirt and what looks alike; not every field named `image`."""
    assert names(kind("example.com/v1", "Thing", spec=spec)) == found


def test_what_the_server_writes_is_not_what_runs() -> None:
    """The status and the metadata of a whole object say nothing of what is to run."""
    parts = {"status": {"containers": [{"image": "old"}]}, "spec": POD}
    obj = kind("example.com/v1", "Thing", **parts)
    obj["metadata"]["containers"] = [{"image": "older"}]

    assert names(obj) == IMAGES


@pytest.mark.parametrize(
    "spec",
    [
        None,
        "not a spec",
        [],
        {"containers": "not-a-list", "volumes": {"image": "x"}},
        {"containers": [None, 1, "x", [], {"image": None}, {"image": {"reference": "x"}}]},
        {"containers": [{"image": ""}], "volumes": [{"image": {"reference": 7}}, {"image": "x"}]},
    ],
)
@pytest.mark.parametrize("version", ["v1", "v9"])
def test_malformed_templates_have_no_images(spec: object, version: str) -> None:
    """A resource without a schema may hold anything, and the server passes it on."""
    assert images(kind(version, "Pod", spec=spec)) == []


def test_text_that_is_no_reference_is_found_as_it_is() -> None:
    """Whether it may run is for the rules to say."""
    odd = [" nginx ", "\udc00", "a\nb", "x" * 5000]

    assert names(kind("v1", "Pod", spec={"containers": [{"image": one} for one in odd]})) == odd


def test_a_path_is_short_and_printable() -> None:
    """It stands in sentences, and its keys are anybody's."""
    deep: Any = {"containers": [{"image": "a"}]}
    for _ in range(50_000):
        deep = {"below": [deep]}
    (one,) = images(deep)
    (odd,) = images({"a\nb": {LONG: {"containers": [{"image": "b"}]}}})

    assert one.path.startswith("…[0].below[0]")
    assert one.path.endswith("below[0].containers[0].image")
    assert odd.path == f"a\ufffdb.{LONG[:64]}….containers[0].image"


def test_an_object_that_holds_itself_has_an_end() -> None:
    """YAML's anchors make such objects, and small ones that are huge when spelt out."""
    ring: dict[str, Any] = {"containers": [{"image": "a"}]}
    ring["spec"] = ring["items"] = [ring]
    laughs: Any = [{"image": "b"}]
    for _ in range(100):
        laughs = [laughs, laughs]

    assert names(ring) == ["a"]
    assert names({"plain": laughs, "containers": laughs}) == ["b"]


def test_ten_thousand_images_are_all_found() -> None:
    """Nothing is left out because there is much of it."""
    many = [{"image": f"app{number}"} for number in range(10_000)]

    assert len(images(kind("v1", "Pod", spec={"containers": many}))) == 10_000
    assert len(images(kind("v9", "Pod", spec={"containers": many}))) == 10_000


KEYS = st.sampled_from(
    [
        *("apiVersion", "kind", "metadata", "spec", "template", "jobTemplate", "items", "status"),
        *("containers", "initContainers", "volumes", "image", "reference", "steps", "container"),
        "imagePullPolicy",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from(["v1", "Pod", "CronJob", "batch/v1", "nginx"])
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), below, max_size=4)
    ),
    max_leaves=40,
)


@given(obj=ANYTHING)
def test_random_json_never_crashes(obj: object) -> None:
    """And nothing is found that is not there."""
    text = json.dumps(obj)
    for one in images(obj):
        assert json.dumps(one.image) in text
        assert one.path.isprintable()


@given(
    spec=st.fixed_dictionaries({"containers": st.just([{"image": "hidden.example/x"}])}),
    way=st.lists(st.sampled_from(["spec", "template", "jobTemplate", "a"]) | st.integers(0, 2)),
    known=st.booleans(),
)
def test_a_pod_is_found_at_any_depth_of_an_unknown_resource(
    spec: dict[str, Any], way: list[str | int], known: bool
) -> None:
    """However it is wrapped in mappings and lists."""
    obj: Any = kind("v1", "Pod", spec=spec) if known else spec
    for step in way:
        obj = {step: obj} if isinstance(step, str) else [{}] * step + [obj]

    assert names(obj) == ["hidden.example/x"]
