"""moto as AWS, with IAM enforced from when a test says so."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx

from bot.kinds.net import Address

ACCOUNT = "123456789012"
REGION = "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
EXTERNAL_ID = "registrar-practice-1"
# What moto gives out as the password of every registry token.
LOGIN = ("AWS", f"{ACCOUNT}-auth-token")
PULL_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}],
}
ANYTHING_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of a user in moto."""

    key_id: str
    secret: str


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """No debug messages of a library: botocore's hold what it received, here a new secret."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


class Moto:
    """A moto server; its rules are enforced from `enforce()` on, until then every key passes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        self.relax()
        httpx.post(f"{self.url}/moto-api/reset").raise_for_status()

    def enforce(self) -> None:
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0").raise_for_status()

    def relax(self) -> None:
        """Let every key pass again."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="inf").raise_for_status()

    def iam(self) -> Any:
        return boto3.client(
            "iam",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="setup",
            aws_secret_access_key="setup",
        )

    def user(self, name: str, policy: Mapping[str, object] | None = None) -> Key:
        """A new user with one access key and the rights of `policy`."""
        iam = self.iam()
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(
                UserName=name, PolicyName="rights", PolicyDocument=json.dumps(policy)
            )
        return self.another_key(name)

    def another_key(self, name: str) -> Key:
        with quiet("botocore"):
            made = self.iam().create_access_key(UserName=name)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])

    def role(self, name: str, policy: Mapping[str, object]) -> str:
        """A new role with the rights of `policy`, for the user `registrar` only; its ARN."""
        iam = self.iam()
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/registrar"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }
        trust = {"Version": "2012-10-17", "Statement": [allow]}
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
        arn: str = made["Role"]["Arn"]
        return arn


class OneName:
    """Leads ECR's host name to a registry of ours."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int) -> list[Address]:
        assert (host, port) == (HOST, 443)
        return [Address("127.0.0.1", self._port, trusted=True)]
