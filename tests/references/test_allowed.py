"""What the operator allows, and what nobody can be led to."""

from __future__ import annotations

import re
from posixpath import dirname, normpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.reference import Use, packed, reference_in, unpacked
from bot.core.secret import Secret
from bot.errors import SettingsError, Unresolved
from bot.references.allowed import is_place, parse
from bot.references.env import Environment
from bot.references.resolver import Resolver

HOST = "registry.example.com"
HERE = Use("T1ACME", HOST)
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:registrar/prod-AbCdEf"
AWS_ENTRY = "aws-secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:registrar/*"


class Told:
    """A scheme that answers with what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, place: str) -> Secret:
        self.asked.append(place)
        return Secret(f"the secret at {place}")


def admitted(setting: str, text: str, use: Use = HERE) -> bool:
    scheme, _, place = text.partition(":")
    return any(entry.admits(scheme, place, use) for entry in parse(setting))


def env(allowed: str, **variables: str) -> Resolver:
    own = {"ENCRYPTION_KEYS", "DATABASE_URL", "HEARTBEAT_URL", "ENCRYPTION_KEYS_FILE"}
    return Resolver(parse(allowed), {"env": Environment(variables, own)})


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (f"env:REG_PROD @ {HOST}", "env:REG_PROD"),
        (f"env:REG_* @ other.example.com {HOST}", "env:REG_PROD"),
        (f"env:REG_* @ {HOST} in T1ACME", "env:REG_PROD"),
        (f"file:/run/registries/* @ {HOST}", "file:/run/registries/prod"),
        (f"file:/run/registries/prod @ {HOST}", "file:/run/registries/prod"),
        (f"{AWS_ENTRY} @ {HOST}", f"aws-secretsmanager:{ARN}"),
        (f"{AWS_ENTRY} @ {HOST}", f"aws-secretsmanager:{ARN}#password"),
        (f"aws-secretsmanager:{ARN} @ {HOST}", f"aws-secretsmanager:{ARN}#password"),
        (f"aws-secretsmanager:{ARN}#password @ {HOST}", f"aws-secretsmanager:{ARN}#password"),
    ],
)
def test_what_an_entry_names_is_allowed(setting: str, text: str) -> None:
    """An entry is a reference or the beginning of one, for the hosts that it names."""
    assert admitted(setting, text)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (f"env:REG_PROD @ {HOST}", "env:REG_PRODUCTION"),
        (f"env:REG_* @ {HOST}", "env:DATABASE_URL"),
        ("env:REG_* @ other.example.com", "env:REG_PROD"),
        (f"env:REG_* @ {HOST}:5000", "env:REG_PROD"),
        (f"env:REG_* @ {HOST}.evil.example", "env:REG_PROD"),
        (f"env:REG_* @ {HOST} in T2OTHER", "env:REG_PROD"),
        (f"file:/run/registries/* @ {HOST}", "file:/run/registries/deeper/prod"),
        (f"file:/run/registries/* @ {HOST}", "file:/run/registries/"),
        (f"file:/run/registries/prod @ {HOST}", "file:/run/registries/prod2"),
        (f"{AWS_ENTRY} @ {HOST}", f"aws-secretsmanager:{ARN.replace('1234', '9999')}"),
        (f"{AWS_ENTRY} @ {HOST}", f"aws-secretsmanager:{ARN.replace('eu-west-1', 'eu-west-2')}"),
        (f"{AWS_ENTRY} @ {HOST}", f"aws-secretsmanager:{ARN.replace('registrar/', 'other/')}"),
        (f"aws-secretsmanager:{ARN}#password @ {HOST}", f"aws-secretsmanager:{ARN}#admin"),
        (f"aws-secretsmanager:{ARN}#password @ {HOST}", f"aws-secretsmanager:{ARN}"),
        ("", "env:REG_PROD"),
    ],
)
def test_nothing_else_is_allowed(setting: str, text: str) -> None:
    """Another name, host, port, workspace, directory, account, region or key is not."""
    assert not admitted(setting, text)


@pytest.mark.parametrize(
    "setting",
    [
        "env:REG_PROD",  # for which host
        "env:REG_PROD @ ",
        "env:REG_PROD @ https://registry.example.com",
        "env:REG_PROD @ *",
        f"env:* @ {HOST}",
        f"env:R* @ {HOST}",
        f"env:REG_*_TOKEN @ {HOST}",
        f"env:REG-PROD @ {HOST}",
        f"env:REG_* @ {HOST} in",
        f"env:REG_* @ {HOST} in acme",
        f"file:/* @ {HOST}",
        f"file:/ru* @ {HOST}",
        f"file:registries/prod @ {HOST}",
        f"file:/run/../etc/* @ {HOST}",
        f"file:/proc/self/* @ {HOST}",
        f"file:/etc/registrar/* @ {HOST}",
        f"aws-secretsmanager:* @ {HOST}",
        f"aws-secretsmanager:arn:aws:secretsmanager:*:123456789012:secret:x @ {HOST}",
        f"aws-secretsmanager:arn:aws:ssm:eu-west-1:123456789012:secret:x @ {HOST}",
        f"vault:secret/x @ {HOST}",
    ],
)
def test_an_entry_that_says_too_little_stops_the_start(setting: str) -> None:
    """No host, nearly everything, or a place of the system: the setting is named."""
    with pytest.raises(SettingsError, match="SECRET_REFERENCES"):
        parse(setting)


async def test_an_allowed_reference_leads_to_its_secret() -> None:
    """What was asked for is asked of its scheme, without the name of it."""
    told = Told()
    resolver = Resolver(parse(f"env:REG_* @ {HOST}"), {"env": told})

    assert await resolver.resolve("env:REG_PROD", HERE) == Secret("the secret at REG_PROD")
    assert told.asked == ["REG_PROD"]


@pytest.mark.parametrize(
    "text",
    [
        "env:OTHER",
        "env:",
        "env:REG_A\nB",
        "ENV:REG_A",
        "env: REG_A",
        "vault:REG_A",
        "file:/run/registries/../../etc/shadow",
        "file:/run/registries/./prod",
        "file://run/registries/prod",
        f"env:REG_{'A' * 2000}",
    ],
)
async def test_what_is_not_allowed_is_asked_of_nobody(text: str) -> None:
    """The sentence says who allows it, and does not repeat what may be a secret itself."""
    told = Told()
    schemes = {"env": told, "file": told}
    resolver = Resolver(parse(f"env:REG_* @ {HOST},file:/run/registries/* @ {HOST}"), schemes)

    with pytest.raises(Unresolved, match="SECRET_REFERENCES") as raised:
        await resolver.resolve(text, HERE)

    assert told.asked == []
    assert text not in str(raised.value)


async def test_a_reference_of_one_host_leads_nowhere_for_another() -> None:
    """Whoever registers a server of their own with it gets a sentence, and the server nothing."""
    told = Told()
    resolver = Resolver(parse(f"env:REG_* @ {HOST}"), {"env": told})

    with pytest.raises(Unresolved, match=r"evil\.example"):
        await resolver.resolve("env:REG_PROD", Use("T1ACME", "evil.example"))

    assert told.asked == []


async def test_a_reference_to_a_reference_is_not_followed() -> None:
    """One step, so that what is behind an allowed one cannot name one that is not."""
    resolver = env(f"env:REG_* @ {HOST}", REG_A="env:REG_B", REG_B="correct horse battery")

    with pytest.raises(Unresolved, match="another reference"):
        await resolver.resolve("env:REG_A", HERE)


@pytest.mark.parametrize(
    "name",
    ["ENCRYPTION_KEYS", "ENCRYPTION_KEYS_FILE", "DATABASE_URL", "HEARTBEAT_URL", "SLACK_BOT_TOKEN",
     "AWS_SECRET_ACCESS_KEY", "AWS_IDENTITY_SECRET_ACCESS_KEY", "PGPASSWORD",
     "GOOGLE_APPLICATION_CREDENTIALS"],
)  # fmt: skip
async def test_what_is_registrars_own_is_never_given(name: str) -> None:
    """Not even when the operator wrote a pattern that it fits."""
    resolver = env(f"env:{name[:3]}* @ {HOST}", **{name: "the keys of everything"})

    with pytest.raises(Unresolved, match="Registrar's own"):
        await resolver.resolve(f"env:{name}", HERE)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("", "empty"), ("\n", "empty"), ("\udcff\udcfe", "UTF-8"), ("a" * 70_000, "64 KiB")],
)
async def test_a_variable_that_holds_no_secret(value: str, sentence: str) -> None:
    """Empty, no text, or too much: said so, without the value."""
    with pytest.raises(Unresolved, match=sentence):
        await env(f"env:REG_* @ {HOST}", REG_A=value).resolve("env:REG_A", HERE)


async def test_a_variable_that_is_not_set() -> None:
    """Whoever runs Registrar is told what to do."""
    with pytest.raises(Unresolved, match="set it and start Registrar again"):
        await env(f"env:REG_* @ {HOST}").resolve("env:REG_A", HERE)


async def test_the_line_end_of_a_variable_is_no_part_of_it() -> None:
    """One line end goes; blanks that belong to a secret stay."""
    resolver = env(f"env:REG_* @ {HOST}", REG_A="correct horse \r\n")

    assert await resolver.resolve("env:REG_A", HERE) == Secret("correct horse ")


@pytest.mark.parametrize("text", ["env:A", "file:/a", "aws-secretsmanager:x", " env:A\n", "env:"])
def test_what_looks_like_a_reference(text: str) -> None:
    """What begins like one is taken for one, and refused when it is none."""
    assert reference_in(Secret(text)) == text.strip()


@pytest.mark.parametrize("text", ["", "env", "environment:x", "ENV:A", "x env:A", '{"env:A": 1}'])
def test_what_is_a_secret_itself(text: str) -> None:
    """Anything else is a secret."""
    assert reference_in(Secret(text)) == ""


def test_secrets_and_references_are_stored_apart() -> None:
    """A secret that looks like a reference is never taken for one once it is stored."""
    stored = packed({"a": Secret("env:NO"), "b": Secret("value")}, {"b": "env:YES"})

    assert unpacked(stored) == ({"a": Secret("env:NO")}, {"b": "env:YES"})


@given(st.text(max_size=40), st.sampled_from(["", "/run/registries/", "REG_", AWS_ENTRY[19:-1]]))
def test_whatever_is_typed_stays_below_what_is_allowed(text: str, before: str) -> None:
    """No spelling leads out of the directory, the prefix or the account that an entry names."""
    place = before + text
    for entry in parse(f"env:REG_* @ {HOST},file:/run/registries/* @ {HOST},{AWS_ENTRY} @ {HOST}"):
        if not (entry.admits(entry.scheme, place, HERE) and is_place(entry.scheme, place)):
            continue
        if entry.scheme == "file":
            assert normpath(place) == place
            assert dirname(place) == "/run/registries"
        elif entry.scheme == "env":
            assert re.fullmatch(r"REG_[A-Za-z0-9_]+", place)
        else:
            assert place.startswith(AWS_ENTRY[19:-1])


async def test_half_a_character_is_no_secret() -> None:
    """JSON may hold one; it can be neither sent nor compared, and the error would quote it."""

    class Halved:
        async def resolve(self, _place: str) -> Secret:
            return Secret("correct horse \ud800 battery")

    resolver = Resolver(parse(f"env:REG_PROD @ {HOST}"), {"env": Halved()})

    with pytest.raises(Unresolved, match="store the secret again") as raised:
        await resolver.resolve("env:REG_PROD", HERE)
    assert "horse" not in repr(raised.value)
