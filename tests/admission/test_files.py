"""Images in the files of all tools."""

from __future__ import annotations

from bot.admission.files import Named, images

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: web}
spec:
  containers:
    - name: app
      image: ghcr.io/acme/app:1
"""
LIST = """\
apiVersion: v1
kind: List
items:
  - kind: ConfigMap
    data: {image: not/an/image}
  - kind: DeploymentList
    items:
      - kind: Deployment
        metadata: {name: api}
        spec: {template: {spec: {initContainers: [{image: nginx}], containers: [{image: redis}]}}}
"""
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec: {template: {spec: {containers: [{image: quay.io/shop/web}]}}}
"""
COMPOSE = """\
name: shop
x-base: &base {image: "ghcr.io/acme/base:1", restart: always}
services:
  web:
    image: ghcr.io/acme/web:${TAG:-latest}
    profiles: [debug]
  built: {build: .}
  both: {build: {context: .}, image: acme/both}
  worker: {<<: *base, command: work}
  short:
"""


def _places(text: str) -> list[tuple[str, int, str, str]]:
    found = images("k8s.yaml", text.encode())
    return [(one.image, one.line, one.document, one.path) for one in found]


def test_an_image_is_found_with_its_place() -> None:
    """File, line, document, object and path, so that one can go there."""
    text = f"a: 1\n---\n# Source: shop/templates/pod.yaml\n{POD}"

    found = images("k8s.yaml", text.encode())

    path = "spec.containers[0].image"
    source = "shop/templates/pod.yaml"
    assert found == [
        Named("ghcr.io/acme/app:1", "k8s.yaml", 10, 2, "Pod web/one", source, path),
    ]


def test_lists_are_opened() -> None:
    """Lists of lists too; what only looks like an image is none."""
    path = "items[1].items[0].spec.template.spec"

    assert sorted(_places(LIST)) == [
        ("nginx", 10, "Deployment api", f"{path}.initContainers[0].image"),
        ("redis", 10, "Deployment api", f"{path}.containers[0].image"),
    ]


def test_objects_nobody_told_us_of_are_searched() -> None:
    """A custom resource with a pod template in it."""
    found = _places(f"{POD}---\n{ROLLOUT}")

    assert [one[0] for one in found] == ["ghcr.io/acme/app:1", "quay.io/shop/web"]
    assert found[1][1:3] == (12, "Rollout shop")


def test_a_compose_file_names_what_it_pulls() -> None:
    """A service that is only built is left out, a variable stays, merged maps count."""
    assert _places(COMPOSE) == [
        ("ghcr.io/acme/web:${TAG:-latest}", 5, "", "services.web.image"),
        ("acme/both", 8, "", "services.both.image"),
        ("ghcr.io/acme/base:1", 2, "", "services.worker.image"),
    ]


def test_an_object_with_services_is_no_compose_file() -> None:
    """What has a kind is an object of Kubernetes, whatever else it has."""
    assert _places("kind: Mesh\nservices: {web: {image: nginx}}\n") == []


def test_a_file_of_another_sort_names_none() -> None:
    """Nor does an empty one."""
    assert _places("") == []
    assert _places("just text\n") == []
    assert _places("- a\n- b\n") == []
