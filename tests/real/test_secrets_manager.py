"""References to AWS Secrets Manager, against moto's."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlmodel import select

from bot.core.clock import FixedClock
from bot.core.secret import Secret
from bot.errors import InvalidInput, Unresolved
from bot.references import aws_secretsmanager
from bot.references.aws_secretsmanager import KEPT, SecretsManager
from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.store.schema import Credential
from bot.tools import Surroundings, open_deps
from bot.usecases import drafts, references
from tests.databases import migrated_sqlite
from tests.factories import ALICE, NOW, generic
from tests.real.amazon import REGION, Moto, quiet

VALUE = "correct horse battery staple"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own identity, found as AWS's libraries find it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "setup")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "setup")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def manager(moto: Moto, clock: FixedClock) -> Iterator[SecretsManager]:
    made = SecretsManager(clock, lambda *_: moto.url)
    yield made
    made.close()


@pytest.fixture
def aws(moto: Moto) -> Any:
    return boto3.client("secretsmanager", region_name=REGION, endpoint_url=moto.url)


def put(aws: Any, value: str | bytes, name: str = "registrar/prod") -> str:
    kind = "SecretString" if isinstance(value, str) else "SecretBinary"
    return str(aws.create_secret(Name=name, **{kind: value})["ARN"])


async def test_the_whole_secret_is_given(manager: SecretsManager, aws: Any) -> None:
    """Without # it is the text as it is stored, but for a line end."""
    assert await manager.resolve(put(aws, f"{VALUE}\n")) == Secret(VALUE)


async def test_an_arn_may_lack_its_suffix(manager: SecretsManager, aws: Any) -> None:
    """AWS finds the secret by its name, and what it answers is compared."""
    arn = put(aws, VALUE)

    assert await manager.resolve(arn[:-7]) == Secret(VALUE)


async def test_one_key_of_a_json_object_is_given(manager: SecretsManager, aws: Any) -> None:
    """What stands after # is a member of it."""
    arn = put(aws, json.dumps({"username": "ci", "password": VALUE}))

    assert await manager.resolve(f"{arn}#password") == Secret(VALUE)


@pytest.mark.parametrize(
    ("value", "key", "sentence"),
    [
        ('{"a": "b"}', "#password", "without the key"),
        ("[1]", "#password", "without the key"),
        ('{"password": {"a": "b"}}', "#password", "not a text"),
        ('{"password": ""}', "#password", "not a text"),
        (VALUE, "#password", "not JSON"),
        ("[" * 30_000, "#password", "not JSON"),
        (b"\x00\x01binary bytes", "", "binary"),
        ("\n", "", "empty"),
    ],
)
async def test_what_is_no_secret_is_said(
    manager: SecretsManager, aws: Any, value: str | bytes, key: str, sentence: str
) -> None:
    """Each with a sentence of its own, which quotes nothing of the value."""
    arn = put(aws, value)

    with pytest.raises(Unresolved, match=sentence) as raised:
        await manager.resolve(f"{arn}{key}")

    assert VALUE not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_a_secret_that_is_not_there(manager: SecretsManager) -> None:
    """Said in words of ours."""
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:registrar/none-AbCdEf"

    with pytest.raises(Unresolved, match="no such secret"):
        await manager.resolve(arn)


async def test_a_deleted_secret_is_no_secret(manager: SecretsManager, aws: Any) -> None:
    """One that waits for its deletion is not given any more."""
    arn = put(aws, VALUE)
    aws.delete_secret(SecretId=arn, RecoveryWindowInDays=7)

    with pytest.raises(Unresolved, match="marked for deletion"):
        await manager.resolve(arn)


async def test_without_the_right_it_says_which(
    manager: SecretsManager, moto: Moto, aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right that is missing is named, for whoever runs Registrar."""
    arn = put(aws, VALUE)
    key = moto.user("registrar")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
    moto.enforce()

    with pytest.raises(Unresolved, match="secretsmanager:GetSecretValue"):
        await manager.resolve(arn)


async def test_thousands_of_retests_ask_once(moto: Moto, clock: FixedClock, aws: Any) -> None:
    """As many as are checked at once, and ten thousand after, are one question; after a while it is asked again."""
    asked: list[str] = []

    def endpoint(service: str, _region: str) -> str:
        asked.append(service)
        return moto.url

    manager = SecretsManager(clock, endpoint)
    arn = put(aws, VALUE)
    await asyncio.gather(*(manager.resolve(arn) for _ in range(200)))
    for _ in range(10_000):
        await manager.resolve(arn)
    assert asked == ["secretsmanager"]

    aws.put_secret_value(SecretId=arn, SecretString="the next one, put in place of it")
    assert await manager.resolve(arn) == Secret(VALUE)
    clock.skip(KEPT)
    assert await manager.resolve(arn) == Secret("the next one, put in place of it")
    manager.close()


async def test_a_failure_is_kept_for_less_time(
    manager: SecretsManager, clock: FixedClock, aws: Any
) -> None:
    """What is created after it was missed is found within seconds."""
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:registrar/late"
    with pytest.raises(Unresolved):
        await manager.resolve(arn)
    put(aws, VALUE, "registrar/late")

    clock.skip(timedelta(seconds=15))

    assert await manager.resolve(arn) == Secret(VALUE)


async def test_a_time_out_takes_no_secret_away_for_an_hour(
    moto: Moto, clock: FixedClock, aws: Any
) -> None:
    """What was read last is given while AWS does not answer; a refusal of AWS's ends that."""
    url = [moto.url]
    manager = SecretsManager(clock, lambda *_: url[0])
    arn = put(aws, VALUE)
    await manager.resolve(arn)

    url[0] = "http://127.0.0.1:1"
    clock.skip(timedelta(minutes=50))
    assert await manager.resolve(arn) == Secret(VALUE)
    clock.skip(timedelta(minutes=11))
    with pytest.raises(Unresolved, match="could not be reached"):
        await manager.resolve(arn)

    url[0] = moto.url
    clock.skip(timedelta(minutes=1))
    await manager.resolve(arn)
    aws.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    clock.skip(KEPT)
    with pytest.raises(Unresolved, match="no such secret"):
        await manager.resolve(arn)
    manager.close()


class Silent(BaseHTTPRequestHandler):
    """Takes a question and does not answer until it is told to."""

    told = threading.Event()

    def do_POST(self) -> None:
        self.told.wait(10)
        body = json.dumps({"ARN": ARN, "Name": "x", "SecretString": VALUE}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


ARN = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:registrar/slow-AbCdEf"


async def test_whoever_waits_does_not_wait_for_long(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop goes on meanwhile, and an answer that comes late is there for the next."""
    monkeypatch.setattr(aws_secretsmanager, "SECONDS", 0.1)
    Silent.told.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    manager = SecretsManager(clock, lambda *_: f"http://127.0.0.1:{server.server_port}")

    with pytest.raises(Unresolved, match="did not answer"):
        await manager.resolve(ARN)
    Silent.told.set()
    found = await asyncio.wait_for(eventually(manager), 10)

    assert found == Secret(VALUE)
    manager.close()
    server.shutdown()
    server.server_close()


async def eventually(manager: SecretsManager) -> Secret:
    while True:
        try:
            return await manager.resolve(ARN)
        except Unresolved:
            await asyncio.sleep(0.05)


async def test_an_answer_about_another_secret_is_refused(clock: FixedClock) -> None:
    """What is in between cannot give one secret for another."""
    Silent.told.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    manager = SecretsManager(clock, lambda *_: f"http://127.0.0.1:{server.server_port}")

    with pytest.raises(Unresolved, match="another secret"):
        await manager.resolve(ARN.replace("slow", "prod"))

    manager.close()
    server.shutdown()
    server.server_close()


async def test_a_form_is_answered_out_of_secrets_manager(
    moto: Moto, aws: Any, tmp_path: Path
) -> None:
    """As it is wired: one secret for two registries of a host, none for another account or host."""
    with quiet("botocore"):  # of the test's own client
        arn = put(aws, json.dumps({"password": VALUE}))
    reference = f"aws-secretsmanager:{arn}#password"
    allowed = f"aws-secretsmanager:arn:aws:secretsmanager:{REGION}:123456789012:secret:registrar/*"
    variables = {
        "DATABASE_URL": migrated_sqlite(tmp_path),
        "ENCRYPTION_KEYS": Keyring.generate_text(),
        "SECRET_REFERENCES": f"{allowed} @ harbor-team.example.com",
    }
    around = Surroundings(variables=variables, aws_endpoint=lambda *_: moto.url)
    async with open_deps(Settings.from_environment(variables), around) as deps:
        for answers in (generic(password=reference), beside(reference)):
            draft = await drafts.begin(deps, ALICE, answers)
            await drafts.save_anyway(deps, ALICE, draft)
        for stranger in (
            generic("evil", password=reference),
            beside(reference.replace("123456789012", "210987654321")),
        ):
            with pytest.raises(InvalidInput, match="may not be used"):
                await drafts.begin(deps, ALICE, stranger)

        async with deps.store.reading() as session:
            stored = (await session.exec(select(Credential))).all()
        found = await references.survey(deps, ALICE.team_id)

    assert len({one.fingerprint for one in stored}) == 1
    assert all(VALUE.encode() not in (one.blob or b"") for one in stored)
    assert [(one.registry, one.problem) for one in found] == [("beside", ""), ("harbor-team", "")]


def beside(reference: str) -> drafts.Answers:
    url = "https://harbor-team.example.com"
    return generic("beside", url=url, path_scope="beside", password=reference)
