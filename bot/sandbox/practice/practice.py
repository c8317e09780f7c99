"""The nine practice registries together: their listeners, their names, and what was asked."""

from __future__ import annotations

import base64
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.core.clock import Clock, SystemClock
from bot.core.secret import Secret
from bot.kinds.allow import AllowList
from bot.kinds.aws import AwsIdentity
from bot.kinds.net import Resolver
from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text
from bot.sandbox.practice.certificates import Certificates
from bot.sandbox.practice.keyring import Held
from bot.sandbox.practice.listener import Listener, Site, tls_context
from bot.sandbox.practice.log import LogEntry, RequestLog
from bot.sandbox.practice.resolver import PracticeResolver
from bot.sandbox.practice.shelf import Shelf
from bot.sandbox.practice.sigv4 import parse_signature
from bot.sandbox.practice.states import MISBEHAVIOURS, State
from bot.sandbox.practice.tokens import TokenDesk
from bot.sandbox.practice.vendor import (
    ELSEWHERE_HOST,
    HOSTILE_HOST,
    Bench,
    PracticeField,
    StateChoice,
    Vendor,
    choices,
)
from bot.sandbox.practice.vendors.amazon import Cloud, Ecr, PublicEcr
from bot.sandbox.practice.vendors.docker_hub import DockerHub
from bot.sandbox.practice.vendors.generic import Generic
from bot.sandbox.practice.vendors.github import Ghcr, GitHubEnterprise
from bot.sandbox.practice.vendors.gitlab import GitLab
from bot.sandbox.practice.vendors.google import GoogleArtifactRegistry
from bot.sandbox.practice.vendors.scaleway import Scaleway

NOTE: Final = "In practice mode names like ghcr.io are answered by this machine."
SHOWN: Final = (
    State.HEALTHY,
    State.WRONG_SECRET,
    State.EXPIRED,
    State.REVOKED,
    State.LACKS_SCOPE,
    State.NO_ACCESS,
    State.LIMITED,
    State.SLOW,
    State.DOWN,
    State.HOSTILE_REALM,
    State.NOT_A_REGISTRY,
    State.OPEN,
    State.TLS_EXPIRED,
    State.UNKNOWN_HOST,
)


@dataclass(frozen=True, slots=True)
class PracticeCredential:
    """One credential as the sandbox shows it: the form's answers, and what else is known of it.

    `undying` works on when it is removed; `removed` says that it was, and works on.
    """

    handle: str
    name: str
    note: str
    fields: tuple[PracticeField, ...]
    undying: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class PracticeRegistry:
    """One practice registry as the sandbox shows it. `states` are those offered to a person.

    `fields` are the answers with the newest credential, `credentials` all there are, oldest first;
    `managing` is what automatic rotation asks for besides.
    """

    slug: str
    label: str
    host: str
    state: str
    states: tuple[StateChoice, ...]
    fields: tuple[PracticeField, ...]
    credentials: tuple[PracticeCredential, ...]
    managing: tuple[PracticeField, ...] = ()


class Practice:
    """Nine registries, one per kind, that answer on this machine under their real names.

    Reached by an `Egress` made with `resolver` and `ca_file`, and an `AwsGateway` made with
    `aws_endpoint` and `aws_identity`. Made by `await Practice.start()`.
    """

    def __init__(self, clock: Clock, slow: float) -> None:
        bench = Bench(clock, Shelf(clock.now()), TokenDesk(clock), slow)
        self._clock = clock
        self.cloud = Cloud(bench)
        self.ecr = Ecr(bench, self.cloud)
        self.google = GoogleArtifactRegistry(bench)
        self.scaleway = Scaleway(bench)
        self.docker_hub = DockerHub(bench)
        self.ghcr = Ghcr(bench)
        self.github_enterprise = GitHubEnterprise(bench)
        self.gitlab = GitLab(bench)
        self.public_ecr = PublicEcr(bench, self.cloud)
        self.generic = Generic(bench)
        self.vendors: dict[str, Vendor] = {
            vendor.slug: vendor
            for vendor in (
                self.ecr,
                self.google,
                self.scaleway,
                self.docker_hub,
                self.ghcr,
                self.github_enterprise,
                self.gitlab,
                self.public_ecr,
                self.generic,
            )
        }
        self._requests = RequestLog()
        self._received: set[tuple[str, str]] = set()
        self._sites: dict[str, Site] = {
            HOSTILE_HOST: collect,
            ELSEWHERE_HOST: collect,
        }
        self._certificates = Certificates()
        self._tls = Listener(self._answer)
        self._plain = Listener(self._answer_plain)

    @classmethod
    async def start(
        cls,
        *,
        clock: Clock | None = None,
        fallback: Resolver | None = None,
        allow: AllowList | None = None,
        slow: float = 4.0,
    ) -> Practice:
        """Start listening on free loopback ports.

        `fallback` resolves names that no practice registry answers for, as far as `allow` lists
        them or the networks they lead to; all others do not exist. `slow` is the delay of a slow
        registry, in seconds. `clock` tells when practice credentials and tokens expire.
        """
        practice = cls(clock or SystemClock(), slow)
        await practice._open(fallback, allow)
        return practice

    async def _open(self, fallback: Resolver | None, allow: AllowList | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="registrar-practice-")
        # Bound but not listening: connections to it are refused, and nobody else can take it.
        self._closed = socket.socket()
        self._certificates.write_authority(self.ca_file)
        await self._tls.start(tls_context(self._certificates, self._state_of_plane))
        await self._plain.start()
        self._closed.bind(("127.0.0.1", 0))
        ports = (self._tls.port, self._plain.port, self._closed.getsockname()[1])
        self.resolver: Resolver = PracticeResolver(self._state_of, ports, fallback, allow)

    async def close(self) -> None:
        """Stop listening, and remove the authority's file."""
        await self._tls.close()
        await self._plain.close()
        self._closed.close()
        self._folder.cleanup()

    @property
    def ca_file(self) -> Path:
        """The practice authority's certificate, PEM."""
        return Path(self._folder.name) / "practice-ca.pem"

    @property
    def aws_identity(self) -> AwsIdentity:
        """Registrar's own AWS identity, for assuming the practice role."""
        return AwsIdentity(self.cloud.identity.key_id, Secret(self.cloud.identity.secret))

    def aws_endpoint(self, service: str, region: str) -> str | None:
        """Where the AWS API of a service is in a region."""
        return f"http://127.0.0.1:{self._plain.port}/{service}/{region}"

    @property
    def registries(self) -> list[PracticeRegistry]:
        """All nine, in the order of the form's menu."""
        return [
            PracticeRegistry(
                vendor.slug,
                vendor.label,
                vendor.host,
                vendor.now_state.value,
                choices(state for state in SHOWN if state in self.states_of(vendor.slug)),
                vendor.fields(),
                tuple(
                    shown_credential(vendor, held)
                    for held in (*vendor.keyring.undead, *vendor.keyring)
                ),
                vendor.managing(),
            )
            for vendor in self.vendors.values()
        ]

    def states_of(self, slug: str) -> tuple[State, ...]:
        """Every state this registry can be put in."""
        return (*MISBEHAVIOURS, *self.vendors[slug].own_states)

    def set_state(self, slug: str, state: str) -> None:
        """Put a registry in a state; a ValueError when there is no such registry or state."""
        if slug not in self.vendors or state not in self.states_of(slug):
            raise ValueError(f"{slug} cannot be {state}")
        self.vendors[slug].set_state(State(state))
        self._tls.hang_up()

    def make(self, slug: str) -> None:
        """One more credential, made as a person makes it; a ValueError when there is no `slug`."""
        vendor = self._known(slug)
        vendor.make(f"practice {vendor.keyring.made + 1}")

    def remove(self, slug: str, handle: str) -> None:
        """End a credential at once, as a person does; a ValueError when there is no such one."""
        if not self._known(slug).keyring.end(handle):
            raise ValueError(f"{slug} has no credential {handle}")

    def let_outlive(self, slug: str, handle: str, *, undying: bool) -> None:
        """Let a credential work on when it is removed, or let one that did so die at last.

        A ValueError when there is no such one.
        """
        held = self._known(slug).keyring.ever(handle)
        if held is None:
            raise ValueError(f"{slug} has no credential {handle}")
        held.undying = undying

    def _known(self, slug: str) -> Vendor:
        if slug not in self.vendors:
            raise ValueError(f"there is no {slug}")
        return self.vendors[slug]

    @property
    def log(self) -> Sequence[LogEntry]:
        """What was asked of whom, oldest first, without secrets."""
        return tuple(self._requests.entries)

    @property
    def received(self) -> frozenset[tuple[str, str]]:
        """(host, manner) of every secret that ever arrived; the manner is `basic`, `bearer`, the
        name of a header, or `body` or `address` where a practice secret stood in plain sight.
        """
        return frozenset(self._received)

    def forget(self) -> None:
        """Empty the log and what is known of received secrets."""
        self._requests.clear()
        self._received.clear()

    def serve(self, host: str, site: Site) -> None:
        """Let `site` answer for one more name (tests)."""
        self._sites[host] = site

    def _vendor(self, host: str) -> Vendor | None:
        return next((v for v in self.vendors.values() if v.answers_for(host)), None)

    def _state_of(self, host: str) -> State | None:
        if host in self._sites:
            return State.HEALTHY
        vendor = self._vendor(host)
        if vendor is None:
            return None
        return vendor.state if vendor.is_plane(host) else State.HEALTHY

    def _state_of_plane(self, host: str) -> State | None:
        return self._state_of(host)

    def _answer(self, ask: Ask) -> Answer:
        site = self._sites.get(ask.host)
        vendor = None if site else self._vendor(ask.host)
        if site is None and vendor is not None:
            site = vendor.answer
        answer = site(ask) if site else as_text(421, "Misdirected Request")
        self._note(ask, vendor.slug if vendor else "", answer)
        return answer

    def _answer_plain(self, ask: Ask) -> Answer:
        if ask.host != "127.0.0.1":
            return self._answer(ask)
        answer = self.cloud.answer(ask)
        self._note(api_ask(ask), getattr(self.cloud.vendor_of(ask), "slug", "ecr"), answer)
        return answer

    def _note(self, ask: Ask, slug: str, answer: Answer) -> None:
        manner = ask.shows or self._leak(ask)
        if manner:
            self._received.add((ask.host, manner))
        self._requests.note(self._clock.now(), slug, ask, answer.status, manner)

    def _leak(self, ask: Ask) -> str:
        texts = [text.encode() for vendor in self.vendors.values() for text in vendor.secrets()]
        if any(text in ask.body or base64.b64encode(text) in ask.body for text in texts):
            return "body"
        address = " ".join(value for values in ask.query.values() for value in values) + ask.path
        headers = " ".join(ask.headers.values())
        if any(text in (address + headers).encode() for text in texts):
            return "address"
        return "body" if "assertion" in ask.form else ""


def shown_credential(vendor: Vendor, held: Held) -> PracticeCredential:
    removed = held.dead_from is not None
    note = f"made {held.made_at:%-d %b %Y}" + ("" if held.active else ", stopped")
    return PracticeCredential(
        held.handle,
        held.label or held.handle,
        f"{note}, removed but works on" if removed else note,
        vendor.fields_of(held),
        held.undying,
        removed,
    )


def collect(_: Ask) -> Answer:
    """A stranger's host: takes whatever it is given. `Practice.received` tells what that was."""
    return as_json(200, {"token": "collected", "access_token": "collected"})


def api_ask(ask: Ask) -> Ask:
    """An AWS API request under the name and action it stands for, for the log."""
    signature = parse_signature(ask)
    if signature is None:
        return ask
    service = "api.ecr" if signature.service == "ecr" else signature.service
    action = ask.form.get("Action") or ask.headers.get("x-amz-target", "").rpartition(".")[2]
    host = f"{service}.{signature.region}.amazonaws.com"
    return Ask(ask.method, host, f"/{action}", ask.query, ask.headers, ask.body, ask.secure)
