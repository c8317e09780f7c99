"""Judges the answers of a registry form before any network: one validator for all kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from bot.core.access import MINUTES_MAX, MINUTES_MIN
from bot.core.config import Config
from bot.core.image import Reference, names_host
from bot.core.name import LONGEST as NAME_LONGEST
from bot.core.name import RULE as NAME_RULE
from bot.core.name import is_name
from bot.core.policy import canonical, shown
from bot.core.registry import Details, Environment
from bot.core.secret import Secret
from bot.core.shared_hosts import is_shared
from bot.errors import InvalidInput, InvalidReference
from bot.kinds.addresses import parse_address
from bot.kinds.allow import AllowList
from bot.kinds.base import Field, Variant
from bot.kinds.docker_hub import ALIASES
from bot.kinds.registry_kinds import KINDS, RegistryKind
from bot.kinds.service_account import NotAKey, ServiceAccountKey
from bot.kinds.shape import Faults, Given

_SCOPE: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_OWNER: Final = re.compile(r"[UW][A-Z0-9]{1,30}")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
# Lone surrogates come out of JSON escapes and cannot be encoded.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DESCRIPTION_LONGEST: Final = 500
_SCOPE_LONGEST: Final = 255
_ROTATE_MOST: Final = 3650
_ALSO_AT_MOST: Final = 10

# The first words of suggested names, by kind.
_SHORT: Final = {
    "ecr": "aws-ecr",
    "gcp_artifact_registry": "gcp",
    "docker_hub": "docker-hub",
    "github_enterprise": "ghe",
    "public_ecr": "aws-public-ecr",
}


def validate(
    kind_slug: str,
    variant: str,
    answers: Mapping[str, str | Secret],
    *,
    allow: AllowList,
    awaiting_secrets: bool = False,
) -> Config:
    """The Config the answers make; raise InvalidInput with a sentence for each faulty field.

    With `awaiting_secrets` the secrets are to come later, and nothing is said of them.
    """
    kind = KINDS.get(kind_slug)
    if kind is None:
        raise InvalidInput({"kind": "Choose one of the types in the list."})
    chosen = next((one for one in kind.variants if one.slug == variant), None)
    if chosen is None:
        raise InvalidInput({"variant": "Choose one of the ways to sign in."})
    faults: Faults = {}
    values, secrets = _collect(chosen, answers, faults)
    url, path = _url(kind, _text(answers, "url"), allow, faults)
    host = urlsplit(url).netloc
    for name, sentence in kind.faults(Given(variant, host, values, secrets)).items():
        if name in values or name in secrets or name not in faults:
            faults.setdefault(name, sentence)
    scope = _scope(_text(answers, "path_scope") or path, faults)
    image = _image(_text(answers, "test_image"), host, faults)
    if awaiting_secrets:
        for one in chosen.fields:
            if one.secret:
                faults.pop(one.name, None)
    if faults:
        raise InvalidInput(faults)
    return Config(kind_slug, variant, url, values, secrets, scope, image)


def host_of(kind_slug: str, url: str, allow: AllowList) -> str:
    """The host that a Registry URL names, as in a Config; empty when it is not a valid one."""
    faults: Faults = {}
    kind = KINDS.get(kind_slug)
    found = _url(kind, url.strip(), allow, faults)[0] if kind is not None else ""
    return "" if faults else found.partition("://")[2].partition("/")[0]


def validate_details(answers: Mapping[str, str]) -> Details:
    """Name, description, environment, owner and rotation age; raise InvalidInput."""
    faults: Faults = {}
    name = answers.get("name", "").strip()
    if not is_name(name):
        faults["name"] = NAME_RULE
    description = answers.get("description", "").strip()
    if len(description) > _DESCRIPTION_LONGEST:
        faults["description"] = f"At most {_DESCRIPTION_LONGEST} characters fit here."
    owner = answers.get("owner", "").strip()
    if owner and not _OWNER.fullmatch(owner):
        faults["owner"] = "Choose a person of this workspace."
    environment = _environment(answers.get("environment", "").strip(), faults)
    rotate = _rotate_days(answers.get("rotate_days", "").strip(), faults)
    recheck = _recheck_minutes(answers.get("recheck_minutes", "").strip(), faults)
    also_at = _also_at(answers.get("also_at", ""), faults)
    _expires_on(answers.get("expires_on", "").strip(), faults)
    if faults:
        raise InvalidInput(faults)
    return Details(name, description, environment, owner, rotate, recheck, also_at)


def suggest_name(kind_slug: str, environment: str, region: str) -> str:
    """A name such as `aws-ecr-production-us-east-1`; always valid."""
    words = [_SHORT.get(kind_slug, kind_slug)]
    if environment and environment != Environment.ANY.value:
        words.append(environment)
    words.append(region)
    text = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower(), flags=re.ASCII).strip("-")
    return text[:NAME_LONGEST].strip("-") or "registry"


def login_of(config: Config) -> str:
    """The name a registry is signed in to with, in full; empty when anonymous."""
    values = config.values
    for name in ("username", "access_key_id", "role_arn", "access_key"):
        if values.get(name):
            return values[name]
    secret = config.secrets.get("service_account_json")
    if secret is None:
        return ""
    try:
        return ServiceAccountKey.parse(secret).email
    except NotAKey:
        return ""


def shown_login(config: Config) -> str:
    """Like `login_of`, shortened where the vendor treats the name as sensitive (`AKIA…7Q2F`)."""
    login = login_of(config)
    if "access_key_id" in config.values or "access_key" in config.values:
        return f"{login[:4]}…{login[-4:]}"
    return login


def _collect(
    variant: Variant, answers: Mapping[str, str | Secret], faults: Faults
) -> tuple[dict[str, str], dict[str, Secret]]:
    values: dict[str, str] = {}
    secrets: dict[str, Secret] = {}
    for field in variant.fields:
        given = answers.get(field.name)
        if field.secret:
            text = given.reveal() if isinstance(given, Secret) else (given or "")
            if _fits(field, text, _secret_fault(field, text), faults):
                secrets[field.name] = given if isinstance(given, Secret) else Secret(text)
            continue
        # A user name is kept as typed but for the blanks around it, which are never part of one.
        text = _text(answers, field.name)
        if _fits(field, text, _value_fault(field, text), faults):
            values[field.name] = text
    return values, secrets


def _fits(field: Field, text: str, fault: str | None, faults: Faults) -> bool:
    if not text:
        if field.required:
            faults[field.name] = f"{field.label} is needed."
        return False
    if fault is not None:
        faults[field.name] = fault
        return False
    return True


def _value_fault(field: Field, text: str) -> str | None:
    if len(text) > field.max_length:
        return f"At most {field.max_length} characters fit here."
    if _CONTROL.search(text):
        return "This holds a line break or an invisible character."
    if field.name == "username" and ":" in text:
        return "A username cannot hold a colon."
    return None


def _secret_fault(field: Field, text: str) -> str | None:
    if len(text) > field.max_length:
        return f"This is longer than {field.max_length} characters; it is not a {field.label}."
    if field.multiline:
        return None
    if text != text.strip():
        return "There is a blank or a line break at the beginning or end; paste it without."
    if _CONTROL.search(text):
        return "This holds a line break or an invisible character; paste it again."
    if field.name == "token" and not text.isascii():
        return "This holds characters that no token has; paste it again."
    return None


def _url(kind: RegistryKind, text: str, allow: AllowList, faults: Faults) -> tuple[str, str]:
    """The canonical URL, and the path that names a scope where the host is a vendor's."""
    if kind.url.fixed:
        return _fixed_url(kind, text, faults)
    if not text:
        faults["url"] = "Registry URL is needed."
        return "", ""
    url, path, fault = _parse_url(text, allow)
    if fault is None and kind.hosts is not None and not kind.hosts.fullmatch(urlsplit(url).netloc):
        fault = kind.hosts_hint
    if fault is not None:
        faults["url"] = fault
        return url, ""
    if kind.shared_host:
        return url, path.strip("/")
    if path and kind.hosts is not None:
        faults["url"] = "This Registry URL has no path; use Path scope to name repositories."
    return url + path, ""


def _fixed_url(kind: RegistryKind, text: str, faults: Faults) -> tuple[str, str]:
    fixed = urlsplit(kind.url.fixed)
    if not text:
        return kind.url.fixed, ""
    names = ALIASES if fixed.netloc == "docker.io" else {fixed.netloc}
    try:
        given = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        given = urlsplit("")
    if given.netloc.lower() not in names or given.scheme != "https":
        faults["url"] = f"The Registry URL of {kind.label} is always {kind.url.fixed}."
        return kind.url.fixed, ""
    path = given.path.strip("/")
    return kind.url.fixed, "" if path in {"v1", "v2"} else path.lower()


def _parse_url(text: str, allow: AllowList) -> tuple[str, str, str | None]:
    """URL without its path, the path, and what is wrong if anything is."""
    expected = "Expected https://host, with the port if it has one."
    if len(text) > 500 or not text.isascii() or re.search(r"[\s\\%\x00-\x1f\x7f]", text):
        return "", "", f"This is not a registry's address. {expected}"
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        return "", "", f"This is not a registry's address. {expected}"
    host = (parts.hostname or "").lower()
    if "@" in parts.netloc:
        return "", "", "Leave user name and password out of the Registry URL; they have fields."
    if parts.query or parts.fragment or "?" in text or "#" in text:
        return "", "", "The Registry URL has no ? or # part."
    if parts.scheme not in {"https", "http"} or not host or port == 0:
        return "", "", f"This is not a registry's address. {expected}"
    scheme = parts.scheme
    number = port if port is not None else (443 if scheme == "https" else 80)
    if scheme == "http" and not allow.permits_plain(host, number):
        return "", "", "The Registry URL must begin with https://."
    if not allow.permits_name(host, number):
        return "", "", _host_fault(host)
    path = re.sub(r"/(?:v2|v1)?/?\Z", "", parts.path)
    if not _PREFIX.fullmatch(path) or ".." in path.split("/") or "." in path.split("/"):
        return "", "", "The path of the Registry URL is not valid."
    shown = f"[{host}]" if ":" in host else host
    default = 443 if scheme == "https" else 80
    netloc = shown if number == default else f"{shown}:{number}"
    return f"{scheme}://{netloc}", path, None


def _host_fault(host: str) -> str:
    if parse_address(host) is not None or "." not in host:
        return (
            "This address is not allowed. Whoever runs Registrar can allow hosts "
            "that are not public."
        )
    return "This is not the name of a public host. Expected something like registry.example.com."


def _scope(text: str, faults: Faults) -> str:
    scope = text.strip().strip("/").lower()
    if scope and (len(scope) > _SCOPE_LONGEST or not _SCOPE.fullmatch(scope)):
        faults["path_scope"] = (
            "A path scope is like an image's path: team or team/app, without host, tag or *."
        )
    return scope


def _image(text: str, host: str, faults: Faults) -> str:
    """The test image without its host."""
    if not text:
        return ""
    try:
        named = names_host(text)
        image = Reference.parse(text if named else f"{host or 'docker.io'}/{text}")
    except InvalidReference as error:
        faults["test_image"] = str(error)
        return ""
    if named and host and image.host != host:
        faults["test_image"] = f"This image is at {image.host}, but the registry is {host}."
        return ""
    version = f"@{image.digest}" if image.digest else f":{image.version}"
    return image.repository + version


def _environment(text: str, faults: Faults) -> Environment:
    try:
        return Environment(text or Environment.ANY.value)
    except ValueError:
        faults["environment"] = "Choose one of the environments in the list."
        return Environment.ANY


def _rotate_days(text: str, faults: Faults) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= _ROTATE_MOST:
        return int(text)
    faults["rotate_days"] = f"A number of days from 1 to {_ROTATE_MOST}, or 0 for never."
    return 0


def _also_at(text: str, faults: Faults) -> tuple[str, ...]:
    """Places as images are written, canonical; a shared host needs a path."""
    places: dict[str, None] = {}
    for typed in text.replace(",", " ").split():
        place = _image_place(typed.removeprefix("https://").strip("/"))
        if not place:
            faults["also_at"] = f"{shown(typed, 60)} is not like registry.example.com/path."
        elif "/" not in place and is_shared(place):
            faults["also_at"] = f"{place} is shared with strangers: add the path that is yours."
        places[place] = None
    if len(places) > _ALSO_AT_MOST:
        faults["also_at"] = f"At most {_ALSO_AT_MOST} places fit here."
    return tuple(places)


def _image_place(typed: str) -> str:
    """`host` or `host/path` in canonical form; empty when no image can be there."""
    below = "/x/x"  # two parts, so that Docker Hub's `library/` is not put in
    try:
        image = canonical(Reference.parse(typed + below))
    except InvalidReference:
        return ""
    plain = names_host(typed + below) and not (image.tag or image.digest)
    return f"{image.host}/{image.repository}".removesuffix(below) if plain else ""


def _recheck_minutes(text: str, faults: Faults) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 6:
        minutes = int(text)
        if MINUTES_MIN <= minutes <= MINUTES_MAX:
            return minutes
    faults["recheck_minutes"] = (
        f"A number of minutes from {MINUTES_MIN} to {MINUTES_MAX} (7 days), or nothing."
    )
    return None


def _expires_on(text: str, faults: Faults) -> None:
    if not text:
        return
    try:
        date.fromisoformat(text)
    except ValueError:
        faults["expires_on"] = "A date like 2027-01-31."


def _text(answers: Mapping[str, str | Secret], name: str) -> str:
    given = answers.get(name, "")
    return given.strip() if isinstance(given, str) else ""
