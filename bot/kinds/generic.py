"""Generic registry: anything that speaks the distribution protocol, with Basic or Bearer sign-in.

Nothing is known of the server, so a sign-in counts only if the same request with a made-up user
name is refused: some servers (Nexus with anonymous pulls, for one) accept any password.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import ClassVar

import httpx

from bot.core.check import Cause, Expiry, Level, Mark, Stage, Verdict
from bot.core.image import Reference
from bot.core.secret import Secret
from bot.kinds import fields, harbor
from bot.kinds.age import Question, unix_moment
from bot.kinds.anonymous import look_around
from bot.kinds.base import Field, Variant
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login, Pull, claims_of
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.pull import Proof, conclude, prove_pull, signed_in, test_image
from bot.kinds.shape import Faults, Given, maker_of
from bot.kinds.strangers import remembered, stranger, token_for_stranger
from bot.kinds.visit import Visit, error_code


class Generic:
    slug: ClassVar = "generic"
    label: ClassVar = "Generic registry"
    url: ClassVar[Field] = fields.url(
        placeholder="https://registry.example.com:5000",
        hint="https://host, with the port and path if it has them.",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "account",
            "Account",
            (fields.username(), Field("password", "Password", secret=True)),
        ),
        fields.ANONYMOUS,
    )
    shared_host: ClassVar = False
    hosts: ClassVar[re.Pattern[str] | None] = None
    hosts_hint: ClassVar = ""

    def faults(self, given: Given) -> Faults:
        # The secret of any registry may be used here; only other systems' are surely misplaced.
        found = maker_of(given.secret("password"))
        if found is not None and found[0] in {"slack", "aws-id"}:
            return {"password": f"This is {found[1]}; the password of the registry is needed."}
        return {}

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, redirects=True)

    async def check(self, visit: Visit) -> Finding:
        registry = self.registry(visit)
        challenge = await registry.ping()
        if visit.config.anonymous:
            return await look_around(visit, registry, challenge)
        login = Login(visit.config.values["username"], visit.config.secrets["password"])
        read_expiry(visit, login.secret)
        visit.enter(Stage.LOGIN)
        if challenge is None:
            return await _open_root(visit, registry, login)
        if challenge.scheme == "basic":
            return await _basic(visit, registry, challenge, login)
        return await _bearer(visit, registry, challenge, login)


def read_expiry(visit: Visit, secret: Secret) -> None:
    """Some registries' passwords are JWTs that tell their own age and end."""
    claims: Mapping[str, object] = claims_of(secret.reveal())
    if (at := unix_moment(claims.get("exp"))) is not None:
        visit.expiry = Expiry(at, "jwt")
    visit.issued_at = unix_moment(claims.get("iat"))


async def _basic(
    visit: Visit, registry: Distribution, challenge: Challenge, login: Login
) -> Finding:
    answer = await registry.root(login.basic())
    if answer.status_code != 200:
        raise _root_refused(registry, login, answer)
    if await remembered(registry, challenge, "sign in", _root_accepts(registry)):
        return await _compare(visit, registry, challenge, login)
    proof = signed_in(visit, Level.E2, login.username)
    return await prove_pull(visit, registry, challenge, login, proof)


async def _bearer(
    visit: Visit, registry: Distribution, challenge: Challenge, login: Login
) -> Finding:
    if harbor.is_robot(challenge, registry, login):
        visit.question = Question(partial(harbor.ask, visit, registry, login), harbor.REQUESTS)
    question = token_for_stranger(registry, challenge)
    # With an image and a token service open to all, every request of the budget is needed for the
    # comparison; so there the made-up user goes first.
    if test_image(visit) is not None and await remembered(registry, challenge, "sign in", question):
        return await _compare(visit, registry, challenge, login)
    answer = await registry.token(challenge, login)
    if answer.refused:
        raise _refused(registry, login)
    if answer.status in {400, 404, 405}:  # this service gives tokens for an image only
        if test_image(visit) is None:
            return _image_needed(visit, registry)
        return await _compare(visit, registry, challenge, login, "for an image only")
    if answer.token is None:
        raise registry.unclear(answer)
    if await remembered(registry, challenge, "sign in", question):
        return await _compare(visit, registry, challenge, login)
    if test_image(visit) is None:
        await _use(registry, answer.token)
    proof = signed_in(visit, Level.E2, login.username)
    return await prove_pull(visit, registry, challenge, login, proof)


async def _use(registry: Distribution, token: Secret) -> None:
    """A token is worth something only if the registry takes it; pulling an image shows that too."""
    if (await registry.root(f"Bearer {token.reveal()}")).status_code != 200:
        raise unreachable(
            Stage.LOGIN,
            Cause.REGISTRY_ERROR,
            f"{registry.host} does not accept the token its own token service gave; "
            "the credential was not judged.",
            "Nothing to do here: it is tried again by itself.",
        )


async def _open_root(visit: Visit, registry: Distribution, login: Login) -> Finding:
    """The root is open to anyone; only an image that is not can tell."""
    image = test_image(visit)
    if image is not None:
        pull, challenge = await registry.probe(image, None)
        if pull is not Pull.PULLED and pull is not Pull.NO_TAG:
            return await _compare(visit, registry, challenge, login)
    answer = await registry.root(login.basic())
    if answer.status_code != 200:
        raise _root_refused(registry, login, answer)
    return _anyone(visit, registry, image)


async def _compare(
    visit: Visit,
    registry: Distribution,
    challenge: Challenge | None,
    login: Login,
    why: str = "accepts anyone",
) -> Finding:
    """The sign-in proves nothing here: pull the test image as ourselves and as somebody made up."""
    image = test_image(visit)
    if image is None:
        return _anyone(visit, registry)
    visit.mark(Stage.LOGIN, Mark.UNKNOWN, why)
    visit.enter(Stage.PULL)
    registry.ask_by_get()
    ours = await _pull(registry, challenge, login, image)
    assert ours is not None, "we go first, while requests are left"
    if ours is not Pull.PULLED and ours is not Pull.NO_TAG:
        return _not_ours(visit, registry, image, ours, login)
    if await _stranger_pulls(visit, registry, challenge, image):
        return _anyone(visit, registry, image)
    visit.passed(Stage.LOGIN, login.username)
    return conclude(visit, image, ours, Proof(Level.E2, f"Signed in as {login.username}"))


async def _pull(
    registry: Distribution, challenge: Challenge | None, login: Login, image: Reference
) -> Pull | None:
    """What asking for `image` shows; None when no request is left to try its token with."""
    if challenge is None or challenge.scheme == "basic":
        return await registry.manifest(image, login.basic())
    answer = await registry.token(challenge, login, f"repository:{image.repository}:pull")
    if answer.token is not None:
        if registry.visit.left < 1:
            return None
        return await registry.manifest(image, f"Bearer {answer.token.reveal()}")
    if answer.status == 404:
        return Pull.HIDDEN
    if answer.refused:
        return Pull.DENIED
    raise registry.unclear(answer)


async def _stranger_pulls(
    visit: Visit, registry: Distribution, challenge: Challenge | None, image: Reference
) -> bool:
    async def question() -> bool:
        # Nothing is proven by a comparison that was not made.
        if visit.left < 1:
            return True
        pull = await _pull(registry, challenge, stranger(), image)
        return pull is None or pull in {Pull.PULLED, Pull.NO_TAG}

    return await remembered(registry, challenge, ("pull", image.repository), question)


def _not_ours(
    visit: Visit, registry: Distribution, image: Reference, ours: Pull, login: Login
) -> Finding:
    """Refused the image where signing in means nothing: wrong password or no right, who knows."""
    if ours is Pull.DENIED:
        raise refused(
            Stage.PULL,
            Cause.NO_ACCESS,
            f"{registry.host} refused {image.repository} to this user name and password. It does "
            "not say whether they are wrong or lack the right to pull.",
            "Check the user name and the password, and their right to pull the Test image.",
        )
    return conclude(visit, image, ours, Proof(Level.E1, f"Signed in as {login.username}"))


def _root_accepts(registry: Distribution) -> Callable[[], Awaitable[bool]]:
    async def question() -> bool:
        return (await registry.root(stranger().basic())).status_code == 200

    return question


def _root_refused(registry: Distribution, login: Login, answer: httpx.Response) -> Stop:
    if answer.status_code == 403 and error_code(answer) is None:
        return registry.turned_away()  # some guard in front of it, not the registry itself
    return _refused(registry, login)


def _refused(registry: Distribution, login: Login) -> Stop:
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        f"{registry.host} refused this user name and password.",
        f"Check them for {login.username}, or create a new password or token and put it in.",
    )


def _anyone(visit: Visit, registry: Distribution, image: Reference | None = None) -> Finding:
    visit.mark(Stage.LOGIN, Mark.UNKNOWN, "accepts anyone")
    if image is not None:
        visit.mark(Stage.IMAGE, Mark.UNKNOWN, "public image")
    return Finding(
        Verdict.UNPROVEN,
        Level.E1,
        Stage.LOGIN if image is None else Stage.IMAGE,
        f"{registry.host} {_openness(image)}, so this sign-in cannot be proven.",
        "Add a private image as the Test image: pulling it proves the sign-in."
        if image is None
        else "Choose a private image as the Test image.",
        Cause.ACCEPTS_ANYONE,
    )


def _image_needed(visit: Visit, registry: Distribution) -> Finding:
    visit.mark(Stage.LOGIN, Mark.UNKNOWN, "for an image only")
    return Finding(
        Verdict.UNPROVEN,
        Level.E1,
        Stage.LOGIN,
        f"{registry.host} signs people in only for an image they name, so this sign-in cannot be "
        "proven without one.",
        "Add a private image as the Test image: pulling it proves the sign-in.",
        Cause.IMAGE_NEEDED,
    )


def _openness(image: Reference | None) -> str:
    return "accepts anyone" if image is None else f"lets anyone pull {image.repository}"
