"""Scaleway: `rg.REGION.scw.cloud` and `api.scaleway.com`."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from bot.sandbox.practice.ask import Answer, Ask, as_json, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import numbered
from bot.sandbox.practice.shapes import scaleway_key_id, scaleway_secret
from bot.sandbox.practice.shelf import PRIVATE_IMAGE
from bot.sandbox.practice.states import OF_A_TOKEN, State
from bot.sandbox.practice.vendor import Bench, Denial, PracticeField, Standing, TokenVendor

API = "https://api.scaleway.com"
APPLICATION = "00000000-0000-4000-8000-000000000001"
TOKENS = re.compile(r"/registry-internal/v1/regions/(?P<region>[a-z]{2}-[a-z]{3})/tokens")
NAMESPACES = re.compile(r"/registry/v1/regions/(?P<region>[a-z]{2}-[a-z]{3})/namespaces")
IMAGES = re.compile(
    r"/registry/v1/regions/[a-z]{2}-[a-z]{3}/images(?:/(?P<image>[0-9a-f-]{36})/tags)?"
)
KEYS = "/iam/v1alpha1/api-keys"
SETTLES = timedelta(seconds=20)
MOST_KEYS = 20
REASONS = {State.EXPIRED: "expired", State.REVOKED: "not_found"}


class Scaleway(TokenVendor):
    """Its registry answers 404 to a bad key, so only its API tells a bad key from a missing one."""

    slug: ClassVar = "scaleway"
    label: ClassVar = "Scaleway Container Registry"
    host: ClassVar = "rg.fr-par.scw.cloud"
    hosts: ClassVar = re.compile(r"rg\.[a-z]{2}-[a-z]{3}\.scw\.cloud|api\.scaleway\.com")
    planes: ClassVar = re.compile(r"rg\.[a-z]{2}-[a-z]{3}\.scw\.cloud")
    realm: ClassVar = f"{API}/registry-internal/v1/regions/{{region}}/tokens"
    service: ClassVar = "registry"
    own_states: ClassVar[tuple[State, ...]] = OF_A_TOKEN
    lifetime: ClassVar = timedelta(days=30)

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.make("practice")
        self.project_id = scaleway_secret()
        self.namespaces = {"team": scaleway_secret(), "public": scaleway_secret()}
        self._image_names: dict[str, str] = {}
        self.iam = "read"  # what the keys that pull may do with keys: nothing, `read` or `manage`
        self.managers = Keyring(bench.clock)
        self.managers.add(scaleway_key_id(), scaleway_secret(), label="registrar")

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *self.managers.secrets())

    def make(self, label: str = "") -> Held:
        return self.keyring.add(
            scaleway_key_id(), scaleway_secret(), label=label, expires_at=self.new_expiry()
        )

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Region", "fr-par"),
            PracticeField("Project ID", self.project_id),
            PracticeField("Access Key", held.handle),
            PracticeField("Secret Key", held.secret, secret=True),
            PracticeField("Path scope", "team"),
            PracticeField("Test image", PRIVATE_IMAGE),
        )

    def managing(self) -> tuple[PracticeField, ...]:
        secret = self.managers.shown.secret
        return (PracticeField("Secret Key that manages API keys", secret, secret=True),)

    def side(self, ask: Ask) -> Answer:
        if ask.method == "GET" and TOKENS.fullmatch(ask.path):
            return self._token(ask)
        key = ask.headers.get("x-auth-token")
        manager = self.managers.holding(key or "")
        if manager is not None and ask.path.startswith(KEYS):
            return self._keys(ask, "manage")
        held = self.keyring.holding(key or "")
        if self.standing(key, held) in {Standing.NOBODY, Standing.REFUSED}:
            return self._unauthenticated(held)
        if ask.method == "GET" and NAMESPACES.fullmatch(ask.path):
            return self._namespaces(ask)
        if ask.method == "GET" and IMAGES.fullmatch(ask.path):
            return self._images(ask)
        if ask.path.startswith(KEYS):
            return self._keys(ask, self.iam)
        return as_json(404, {"message": "resource is not found", "type": "not_found"})

    def denied(self, denial: Denial) -> Answer:
        if not denial.claims.subject:
            return super().denied(denial)
        return refusal(403, "DENIED", "requested access to the resource is denied")

    def _unauthenticated(self, held: Held | None) -> Answer:
        reason = REASONS.get(self.state_of(held), "not_found") if held else "not_found"
        return as_json(
            401,
            {
                "message": "authentication is denied",
                "method": "api_key",
                "reason": reason,
                "type": "denied_authentication",
            },
        )

    def _token(self, ask: Ask) -> Answer:
        given = ask.basic
        anonymous = given is not None and not given[1]
        secret = given[1] if given and not anonymous else None
        standing = self.standing(secret, self.keyring.holding(secret or ""))
        granted = self.granted(ask, standing)
        refused = standing is Standing.REFUSED
        if refused or (standing is Standing.NOBODY and not granted):
            return as_json(404, {"message": "resource is not found", "type": "not_found"})
        subject = "nologin" if secret else ""
        return as_json(200, self.bench.desk.issue(subject, "registry", granted))

    def _namespaces(self, ask: Ask) -> Answer:
        if self.now_state is State.LACKS_SCOPE:
            details = [{"action": "read", "resource": "registry_namespace"}]
            return as_json(
                403,
                {
                    "details": details,
                    "message": "insufficient permissions",
                    "type": "permissions_denied",
                },
            )
        namespaces = [
            {"id": found, "name": name, "is_public": name == "public", "image_count": 1}
            for name, found in self.namespaces.items()
            if ask.first("name") in {"", name}
        ]
        return as_json(200, {"namespaces": namespaces, "total_count": len(namespaces)})

    def _images(self, ask: Ask) -> Answer:
        """Images of a namespace or of the project, or the tags of one."""
        if self.now_state in {State.LACKS_SCOPE, State.NO_ACCESS}:
            return as_json(403, {"message": "insufficient permissions"})
        shelf = self.bench.shelf
        at = f"{shelf.pushed:%Y-%m-%dT%H:%M:%S.000000Z}"
        match = IMAGES.fullmatch(ask.path)
        assert match is not None
        if match["image"]:
            name = self._image_names.get(match["image"], "")
            tags = [
                {"name": tag, "digest": digest, "created_at": at, "updated_at": at}
                for tag, digest in shelf.tags(name).items()
            ]
            return as_json(200, {"tags": numbered(tags, ask), "total_count": len(tags)})
        images = []
        for whole in sorted(shelf.repositories()):
            namespace, _, name = whole.partition("/")
            within = self.namespaces[namespace]
            image_id = str(uuid.uuid5(uuid.NAMESPACE_URL, whole))
            self._image_names[image_id] = whole
            if ask.first("namespace_id") in {"", within} and ask.first("name") in {"", name}:
                image = {"id": image_id, "name": name, "namespace_id": within, "updated_at": at}
                images.append(image)
        return as_json(200, {"images": numbered(images, ask), "total_count": len(images)})

    def _keys(self, ask: Ask, may: str) -> Answer:
        """API keys of the application; whoever may `read` may not make or delete any."""
        if not may or (ask.method != "GET" and may != "manage"):
            return as_json(403, {"message": "insufficient permissions"})
        if ask.path == KEYS:
            return self._new_key(ask) if ask.method == "POST" else self._all_keys(ask)
        held = self.keyring.find(ask.path.removeprefix(f"{KEYS}/"))
        if held is None:
            return as_json(404, {"message": "resource is not found", "type": "not_found"})
        if ask.method == "DELETE":
            self.keyring.end(held.handle)
            return Answer(204)
        return as_json(200, self._about(held))

    def _all_keys(self, ask: Ask) -> Answer:
        mine = ask.first("bearer_id") in {"", APPLICATION}
        keys = [self._about(held) for held in self.keyring] if mine else []
        return as_json(200, {"api_keys": numbered(keys, ask), "total_count": len(keys)})

    def _new_key(self, ask: Ask) -> Answer:
        body = ask.json
        label = str(body.get("description", ""))
        if body.get("application_id") != APPLICATION or len(label) > 200:
            return as_json(400, {"type": "invalid_arguments"})
        if len(self.keyring) >= MOST_KEYS:
            return as_json(403, {"type": "quotas_exceeded"})
        expires = datetime.fromisoformat(body["expires_at"]) if body.get("expires_at") else None
        held = self.keyring.add(
            scaleway_key_id(), scaleway_secret(), label=label, expires_at=expires, settles=SETTLES
        )
        return as_json(200, {**self._about(held), "secret_key": held.secret})

    def _about(self, held: Held) -> dict[str, object]:
        ends = held.expires_at
        made = ends - timedelta(days=90) if ends is not None else held.made_at
        return {
            "access_key": held.handle,
            "description": held.label,
            "created_at": made.isoformat().replace("+00:00", "Z"),
            "updated_at": made.isoformat().replace("+00:00", "Z"),
            "expires_at": ends.isoformat().replace("+00:00", "Z") if ends is not None else None,
            "default_project_id": self.project_id,
            "editable": True,
            "application_id": APPLICATION,
        }
