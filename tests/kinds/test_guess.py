"""Which registration an image asks for."""

from __future__ import annotations

import pytest

from bot.core.image import Reference
from bot.core.policy import canonical
from bot.kinds.guess import answers_for

ECR = "123456789012.dkr.ecr.eu-west-3.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "kind", "url", "scope"),
    [
        ("nginx:1", "docker_hub", None, "library"),
        ("acme/app", "docker_hub", None, "acme"),
        ("ghcr.io/acme/web/front:2", "ghcr", None, "acme"),
        ("public.ecr.aws/acme/app", "public_ecr", None, "acme"),
        (f"{ECR}/team/app", "ecr", f"https://{ECR}", None),
        (
            "europe-west1-docker.pkg.dev/proj/repo/app",
            "gcp_artifact_registry",
            "https://europe-west1-docker.pkg.dev",
            "proj/repo",
        ),
        ("rg.fr-par.scw.cloud/space/app", "scaleway", "https://rg.fr-par.scw.cloud", "space"),
        ("registry.gitlab.com/group/app", "gitlab", "https://registry.gitlab.com", "group"),
        ("containers.acme.ghe.com/org/app", "github_enterprise", "https://containers.acme.ghe.com", None),
        ("quay.io/acme/app", "generic", "https://quay.io", "acme"),
        ("harbor.example.com:8443/a/b", "generic", "https://harbor.example.com:8443", None),
    ],
)  # fmt: skip
def test_the_form_is_prefilled_by_the_host(
    image: str, kind: str, url: str | None, scope: str | None
) -> None:
    """With a path where strangers share the host, and the image to try."""
    slug, answers = answers_for(canonical(Reference.parse(image)))

    assert (slug, answers.get("url"), answers.get("path_scope")) == (kind, url, scope)
    assert image.endswith(answers["test_image"].removeprefix("library/"))
