"""The form's judgement of each kind's answers, before any network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from bot.core.config import Config
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.errors import InvalidInput
from bot.kinds.form import login_of, shown_login, suggest_name, validate, validate_details
from bot.kinds.net import AllowList
from bot.kinds.registry_kinds import KINDS

Answers = Mapping[str, str | Secret]
UUID = "11111111-2222-3333-4444-555555555555"
ECR = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@cache
def service_account(**changes: str) -> str:
    """A key file of a service account, with fields replaced."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme-project",
            "private_key_id": "a" * 40,
            "private_key": pem,
            "client_email": "ci@acme-project.iam.gserviceaccount.com",
            "token_uri": "https://collector.example/token",
        }
        | changes
    )


def good(kind: str, variant: str) -> dict[str, str | Secret]:
    """Answers that pass."""
    keys: dict[str, str | Secret] = {
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    }
    answers: dict[tuple[str, str], dict[str, str | Secret]] = {
        ("ecr", "access_keys"): {"url": ECR, "region": "eu-west-1", **keys},
        ("ecr", "assume_role"): {
            "url": ECR,
            "region": "eu-west-1",
            "role_arn": "arn:aws:iam::123456789012:role/pull",
            "external_id": "external-1",
        },
        ("gcp_artifact_registry", "service_account"): {
            "url": "https://europe-west1-docker.pkg.dev",
            "region": "europe-west1",
            "service_account_json": Secret(service_account()),
        },
        ("scaleway", "api_key"): {
            "url": "https://rg.fr-par.scw.cloud",
            "region": "fr-par",
            "project_id": UUID,
            "access_key": "SCW" + "A" * 17,
            "secret_key": Secret(UUID),
        },
        ("docker_hub", "account"): {"username": "acme", "password": Secret("correct horse")},
        ("ghcr", "account"): {"username": "acme", "token": Secret("ghp_" + "a" * 36)},
        ("github_enterprise", "account"): {
            "url": "https://containers.acme.ghe.com",
            "username": "acme",
            "token": Secret("ghp_" + "a" * 36),
        },
        ("gitlab", "account"): {
            "url": "https://registry.gitlab.com",
            "username": "acme",
            "token": Secret("glpat-" + "a" * 20),
        },
        ("public_ecr", "access_keys"): keys,
        ("generic", "account"): {
            "url": "https://registry.example.com:5000",
            "username": "acme",
            "password": Secret("correct horse"),
        },
        ("gitlab", "anonymous"): {"url": "https://registry.gitlab.com"},
        ("generic", "anonymous"): {"url": "https://registry.example.com"},
    }
    return dict(answers.get((kind, variant), {}))


def faults(kind: str, variant: str, allow: str = "", /, **changes: str | Secret) -> dict[str, str]:
    """The sentences on the fields, empty when the answers pass."""
    try:
        validate(kind, variant, good(kind, variant) | changes, allow=AllowList.parse(allow))
    except InvalidInput as error:
        return error.fields
    return {}


def parsed(kind: str, variant: str, **changes: str | Secret) -> Config:
    return validate(kind, variant, good(kind, variant) | changes, allow=AllowList())


@pytest.mark.parametrize(
    ("kind", "variant"),
    [(kind.slug, variant.slug) for kind in KINDS.values() for variant in kind.variants],
)
def test_good_answers_pass(kind: str, variant: str) -> None:
    """Every way to sign in of every kind can be filled in."""
    config = parsed(kind, variant)

    assert config.url.startswith("https://")
    assert config.anonymous is (variant == "anonymous")


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        (kind.slug, variant.slug)
        for kind in KINDS.values()
        for variant in kind.variants
        if variant.fields
    ],
)
def test_every_missing_answer_is_named(kind: str, variant: str) -> None:
    """All at once, each on its own field."""
    with pytest.raises(InvalidInput) as caught:
        validate(kind, variant, {}, allow=AllowList())

    chosen = next(one for one in KINDS[kind].variants if one.slug == variant)
    needed = {one.name for one in chosen.fields if one.required}
    assert needed <= set(caught.value.fields)


WRONG: list[tuple[str, str, dict[str, str | Secret], str, str]] = [
    ("ecr", "access_keys", {"url": "https://12345.dkr.ecr.eu-west-1.amazonaws.com"}, "url", "12-digit"),
    ("ecr", "access_keys", {"url": f"{ECR}.evil.example"}, "url", "12-digit"),
    ("ecr", "access_keys", {"url": f"{ECR}/team"}, "url", "Path scope"),
    ("ecr", "access_keys", {"region": "us-east-1"}, "region", "eu-west-1"),
    ("ecr", "access_keys", {"region": "Ireland"}, "region", "not an AWS region"),
    ("ecr", "access_keys", {"access_key_id": "ASIAIOSFODNN7EXAMPLE"}, "session_token", "session"),
    ("ecr", "access_keys", {"session_token": Secret("x")}, "session_token", "AKIA"),
    ("ecr", "access_keys", {"access_key_id": "AKIA"}, "access_key_id", "Access Key ID"),
    ("ecr", "access_keys", {"secret_access_key": Secret("AKIAIOSFODNN7EXAMPLE")}, "secret_access_key", "Access Key ID"),
    ("ecr", "access_keys", {"secret_access_key": Secret("ghp_ not ours at all")}, "secret_access_key", "Secret Access Key"),
    ("ecr", "assume_role", {"role_arn": "arn:aws:iam::1:role/x"}, "role_arn", "ARN"),
    ("ecr", "assume_role", {"role_arn": "arn:aws:iam::123456789012:user/x"}, "role_arn", "ARN"),
    ("ecr", "assume_role", {"external_id": "é"}, "external_id", "External ID"),
    ("gcp_artifact_registry", "service_account", {"url": "https://docker.pkg.dev"}, "url", "pkg.dev"),
    ("gcp_artifact_registry", "service_account", {"region": "us-central1"}, "region", "europe-west1"),
    ("gcp_artifact_registry", "service_account", {"service_account_json": Secret("{not json")}, "service_account_json", "JSON"),
    ("gcp_artifact_registry", "service_account", {"service_account_json": Secret('{"type": "external_account"}')}, "service_account_json", "service_account"),
    ("gcp_artifact_registry", "service_account", {"service_account_json": Secret("[" * 2000)}, "service_account_json", "."),
    ("scaleway", "api_key", {"region": "nl-ams"}, "region", "fr-par"),
    ("scaleway", "api_key", {"project_id": "mine"}, "project_id", "Project ID"),
    ("scaleway", "api_key", {"access_key": "AKIAIOSFODNN7EXAMPLE"}, "access_key", "SCW"),
    ("scaleway", "api_key", {"secret_key": Secret("SCW" + "A" * 17)}, "secret_key", "Access Key"),
    ("scaleway", "api_key", {"secret_key": Secret("hello")}, "secret_key", "Secret Key"),
    ("docker_hub", "account", {"password": Secret("ghp_" + "a" * 36)}, "password", "GitHub"),
    ("docker_hub", "account", {"username": "a@b.example", "password": Secret("dckr_pat_x")}, "username", "Docker ID"),
    ("docker_hub", "account", {"url": "https://ghcr.io"}, "url", "always https://docker.io"),
    ("ghcr", "account", {"token": Secret("github_pat_" + "a" * 30)}, "token", "fine-grained"),
    ("ghcr", "account", {"token": Secret("glpat-" + "a" * 20)}, "token", "GitLab"),
    ("ghcr", "account", {"token": Secret("ghs_" + "a" * 36)}, "token", "GitHub App"),
    ("ghcr", "account", {"username": "a:b"}, "username", "colon"),
    ("github_enterprise", "account", {"url": "https://acme.ghe.com"}, "url", "containers."),
    ("github_enterprise", "account", {"token": Secret("github_pat_x")}, "token", "fine-grained"),
    ("gitlab", "account", {"token": Secret("ghp_" + "a" * 36)}, "token", "GitHub"),
    ("gitlab", "account", {"url": "https://gitlab.com"}, "url", "registry.gitlab.com"),
    ("gitlab", "account", {"token": Secret("glpat-é")}, "token", "no token has"),
    ("generic", "account", {"password": Secret("x\ud800y")}, "password", "invisible"),
    ("generic", "account", {"username": "x\ud800y"}, "username", "invisible"),
    ("generic", "account", {"password": Secret("xoxb-1-2-3")}, "password", "Slack"),
    ("generic", "account", {"password": Secret(" padded")}, "password", "blank"),
    ("generic", "account", {"password": Secret("pasted\n")}, "password", "line break"),
    ("generic", "account", {"password": Secret("two\nlines")}, "password", "line break"),
    ("generic", "account", {"password": Secret("x" * 65536)}, "password", "longer"),
    ("generic", "account", {"username": "x" * 300}, "username", "255"),
    ("generic", "account", {"path_scope": "team/*"}, "path_scope", "path scope"),
    ("generic", "account", {"path_scope": "../x"}, "path_scope", "path scope"),
    ("generic", "account", {"test_image": "ghcr.io/a/b"}, "test_image", "ghcr.io"),
    ("generic", "account", {"test_image": "Team/App"}, "test_image", "lower case"),
    ("generic", "account", {"test_image": "team//app"}, "test_image", "."),
    ("gcp_artifact_registry", "service_account", {"service_account_json": Secret("x" * 65536)}, "service_account_json", "longer"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "variant", "changes", "field", "words"), WRONG)
def test_cheap_mistake_is_said_on_its_field(
    kind: str, variant: str, changes: dict[str, str | Secret], field: str, words: str
) -> None:
    """Before any network, in a sentence, and nothing else is blamed."""
    found = faults(kind, variant, "", **changes)

    assert set(found) == {field}
    assert words in found[field]
    assert found[field].endswith(".")


HOSTILE_URLS = [
    "registry",
    "https://localhost",
    "https://127.0.0.1",
    "https://10.0.0.1:5000",
    "https://[::1]",
    "https://2130706433",
    "https://0x7f.1",
    "https://169.254.169.254",
    "http://registry.example.com",
    "ftp://registry.example.com",
    "https://user:pw@registry.example.com",
    "https://registry.example.com@evil.example",
    "https://registry.example.com/?x=1",
    "https://registry.example.com/#x",
    "https://registry.example.com/%2e%2e/",
    "https://registry.example.com/../x",
    "https://registry.example.com\\evil",
    "https://registry.example.com:0",
    "https://registry.example.com:99999",
    "https://registry.example.com:abc",
    "https://registry.example.com.",
    "https://registry..example.com",
    "https://-registry.example.com",
    "https://registry_x.example.com",
    "https://регистр.example.com",
    "https://registry.example.com evil",
    "https://registry.example.com\nevil",
    "https://" + "a" * 600 + ".example.com",
    "https://",
    "https:///v2/",
    "javascript:alert(1)",
    "https://[",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_url_is_refused(url: str) -> None:
    """Nothing but a public host over https, with at most a port and a plain path."""
    assert "url" in faults("generic", "account", url=url)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("registry.example.com", "https://registry.example.com"),
        ("HTTPS://Registry.Example.com/", "https://registry.example.com"),
        ("https://registry.example.com:443", "https://registry.example.com"),
        ("https://registry.example.com:5000/v2/", "https://registry.example.com:5000"),
        (
            "https://jfrog.example.com/artifactory/api/docker/Team/",
            "https://jfrog.example.com/artifactory/api/docker/Team",
        ),
    ],
)
def test_url_is_normalised(url: str, canonical: str) -> None:
    """Port and path are part of the identity; what means nothing is dropped."""
    assert parsed("generic", "account", url=url).url == canonical


@pytest.mark.parametrize(
    "alias",
    [
        "",
        "docker.io",
        "https://index.docker.io/v1/",
        "https://hub.docker.com",
        "registry-1.docker.io",
    ],
)
def test_aliases_of_docker_hub_are_one_registry(alias: str) -> None:
    """Docker has used many names; stored is one."""
    assert parsed("docker_hub", "account", url=alias).url == "https://docker.io"


def test_host_that_the_operator_lists_passes() -> None:
    """Practice and private registries, plain HTTP included."""
    assert not faults("generic", "account", "http://localhost:5000", url="http://localhost:5000")
    assert not faults("generic", "account", "10.0.0.0/8", url="https://10.1.2.3")


def test_path_in_a_vendors_url_becomes_the_scope() -> None:
    """`rg.fr-par.scw.cloud/acme` is what people copy; the registry itself has no path."""
    config = parsed("scaleway", "api_key", url="https://rg.fr-par.scw.cloud/Acme")

    assert (config.url, config.path_scope) == ("https://rg.fr-par.scw.cloud", "acme")


def test_user_name_is_kept_as_typed_and_the_scope_lowered() -> None:
    """User names may be case-sensitive; repositories never are."""
    config = parsed("ghcr", "account", username="AcMe", path_scope="/AcMe/")

    assert (config.values["username"], config.path_scope) == ("AcMe", "acme")


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("docker_hub", "nginx", "library/nginx:latest"),
        ("docker_hub", "acme/app:1", "acme/app:1"),
        ("docker_hub", "docker.io/acme/app:1", "acme/app:1"),
        ("ghcr", "ghcr.io/acme/app", "acme/app:latest"),
        ("generic", "registry.example.com:5000/a/b:1", "a/b:1"),
        ("generic", "app:1", "app:1"),
        ("generic", f"a/b@sha256:{'a' * 64}", f"a/b@sha256:{'a' * 64}"),
    ],
)
def test_test_image_is_kept_without_its_host(kind: str, typed: str, stored: str) -> None:
    """With or without the host, it is the same image."""
    assert parsed(kind, "account", test_image=typed).test_image == stored


def test_base64_key_file_is_taken() -> None:
    """Some tools hand the key out encoded."""
    encoded = base64.b64encode(service_account().encode()).decode()

    config = parsed(
        "gcp_artifact_registry", "service_account", service_account_json=Secret(encoded)
    )

    assert login_of(config) == "ci@acme-project.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_email", "ci@evil.example"),
        ("private_key_id", "short"),
        ("project_id", "No Spaces"),
        ("private_key", "-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----\n"),
        (
            "private_key",
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
        ),
    ],
)
def test_damaged_key_file_is_said(name: str, value: str) -> None:
    """The sentence names the entry, never its value."""
    broken = Secret(service_account(**{name: value}))

    found = faults("gcp_artifact_registry", "service_account", service_account_json=broken)

    assert name in found["service_account_json"]
    assert value not in found["service_account_json"]


def test_unknown_kind_and_variant_are_refused() -> None:
    """A stale or forged form."""
    with pytest.raises(InvalidInput):
        validate("nonsense", "account", {}, allow=AllowList())
    with pytest.raises(InvalidInput):
        validate("ghcr", "nonsense", {}, allow=AllowList())


@given(
    st.sampled_from(["generic", "docker_hub"]),
    st.text(max_size=100) | st.sampled_from(["https://[bad", "https://[::1"]),
    st.text(max_size=100),
    st.text(max_size=100),
)
def test_any_text_is_judged_without_failing(kind: str, url: str, scope: str, image: str) -> None:
    """Whatever is typed, the answer is a Config or sentences."""
    answers: Answers = {
        "url": url,
        "path_scope": scope,
        "test_image": image,
        "username": scope,
        "password": Secret(image),
    }
    try:
        config = validate(kind, "account", answers, allow=AllowList())
    except InvalidInput:
        return
    assert config.url.startswith("https://")


def test_no_secret_is_in_a_sentence() -> None:
    """What was pasted into the wrong field is not repeated."""
    secret = "ghp_" + "s3cret" * 6

    found = faults("gitlab", "account", token=Secret(secret))

    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "-x"}, "name"),
        ({"name": "x-"}, "name"),
        ({"name": "Name"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"name": "ok", "environment": "moon"}, "environment"),
        ({"name": "ok", "rotate_days": "3651"}, "rotate_days"),
        ({"name": "ok", "rotate_days": "-1"}, "rotate_days"),
        ({"name": "ok", "rotate_days": "1.5"}, "rotate_days"),
        ({"name": "ok", "rotate_days": "٣"}, "rotate_days"),
        ({"name": "ok", "owner": "someone"}, "owner"),
        ({"name": "ok", "description": "x" * 501}, "description"),
        ({"name": "ok", "expires_on": "tomorrow"}, "expires_on"),
    ],
)
def test_wrong_detail_is_said_on_its_field(answers: dict[str, str], field: str) -> None:
    """Details are judged with the same care."""
    with pytest.raises(InvalidInput) as caught:
        validate_details(answers)

    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", ()),
        ("harbor.example.com/proxy/docker.io", ("harbor.example.com/proxy/docker.io",)),
        (
            "https://A.example.com:443/\n b.example.com:8443",
            ("a.example.com", "b.example.com:8443"),
        ),
        ("index.docker.io/acme,docker.io/acme", ("docker.io/acme",)),
        ("localhost:5000/cache", ("localhost:5000/cache",)),
    ],
)
def test_other_places_are_read_as_images_are(text: str, places: tuple[str, ...]) -> None:
    """One a line or after a comma, canonical, each once."""
    assert validate_details({"name": "r", "also_at": text}).also_at == places


@pytest.mark.parametrize(
    "text",
    [
        "acme/app", "docker.io", "ghcr.io", "http://a.example.com", "a.example.com/*",
        "a.example.com/app:1", "a_b.example.com/c", "a.example.com/../b",
        " ".join(f"r{number}.example.com" for number in range(11)),
    ],
)  # fmt: skip
def test_a_place_that_says_too_little_is_refused(text: str) -> None:
    """Without a host, with a tag, or a host that strangers share without a path."""
    with pytest.raises(InvalidInput) as caught:
        validate_details({"name": "r", "also_at": text})

    assert set(caught.value.fields) == {"also_at"}


def test_details_are_read() -> None:
    """Everything a person may say besides how to sign in."""
    details = validate_details(
        {
            "name": "aws-ecr-production",
            "description": " Images of the shop ",
            "environment": "production",
            "owner": "U0123",
            "rotate_days": "90",
        }
    )

    assert details.description == "Images of the shop"
    assert (details.environment, details.rotate_days) == (Environment.PRODUCTION, 90)


@pytest.mark.parametrize(
    ("kind", "environment", "region", "name"),
    [
        ("ecr", "production", "us-east-1", "aws-ecr-production-us-east-1"),
        ("ghcr", "any", "", "ghcr"),
        ("gcp_artifact_registry", "staging", "europe-west1", "gcp-staging-europe-west1"),
        ("generic", "", "", "generic"),
    ],
)
def test_name_is_suggested(kind: str, environment: str, region: str, name: str) -> None:
    """From kind, environment and region, and always a name that is taken."""
    assert suggest_name(kind, environment, region) == name


@given(st.sampled_from([*KINDS]), st.text(max_size=80), st.text(max_size=80))
def test_suggested_name_is_always_valid(kind: str, environment: str, region: str) -> None:
    """Also from what is half typed."""
    validate_details({"name": suggest_name(kind, environment, region)})


def test_access_key_is_shortened_for_display() -> None:
    """AWS treats the id as sensitive."""
    config = parsed("ecr", "access_keys")

    assert login_of(config) == "AKIAIOSFODNN7EXAMPLE"
    assert shown_login(config) == "AKIA…MPLE"
