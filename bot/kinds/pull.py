"""Proving the right to pull, once it is known who signed in."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.check import Cause, Level, Mark, Stage, Verdict
from bot.core.image import Reference
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login, Pull, TokenAnswer
from bot.kinds.finding import Finding, Stop, refused, unreachable
from bot.kinds.visit import Visit


@dataclass(frozen=True, slots=True)
class Proof:
    """A proven sign-in: how strong, and the words for it (`Signed in as octocat`)."""

    level: Level
    words: str


def signed_in(visit: Visit, level: Level, name: str = "") -> Proof:
    """Mark the sign-in as passed; `name` is the identity the provider told, or the user name."""
    visit.passed(Stage.LOGIN, name)
    return Proof(level, f"Signed in as {name}" if name else "Signed in")


def test_image(visit: Visit) -> Reference | None:
    """The image to prove pulling with; None when the registry has none."""
    text = visit.config.test_image
    return Reference.parse(f"{visit.config.host}/{text}") if text else None


def proven(proof: Proof, stage: Stage = Stage.LOGIN) -> Finding:
    """Green: the sign-in is proven and nothing else was asked for."""
    return Finding(Verdict.PROVEN, proof.level, stage, f"{proof.words}.")


async def prove_pull(
    visit: Visit, registry: Distribution, challenge: Challenge | None, login: Login, proof: Proof
) -> Finding:
    """Ask for the test image as `login`; without one the sign-in alone is the answer."""
    image = test_image(visit)
    if image is None:
        return proven(proof)
    visit.enter(Stage.PULL)
    authorization = await authorize(registry, challenge, login, image, proof)
    visit.enter(Stage.IMAGE)
    return conclude(visit, image, await registry.manifest(image, authorization), proof)


async def authorize(
    registry: Distribution,
    challenge: Challenge | None,
    login: Login,
    image: Reference,
    proof: Proof,
) -> str:
    """The `Authorization` for `image`: Basic itself, or a token that grants pull; else stop."""
    if challenge is None or challenge.scheme == "basic":
        return login.basic()
    answer = await registry.token(challenge, login, f"repository:{image.repository}:pull")
    if answer.token is None:
        raise denied_token(registry, answer, image, proof)
    if not answer.grants(image.repository, "pull"):
        raise no_access(image, proof)
    registry.visit.passed(Stage.PULL)
    return f"Bearer {answer.token.reveal()}"


def denied_token(
    registry: Distribution, answer: TokenAnswer, image: Reference, proof: Proof
) -> Stop:
    """The token service gave no token for the image though the sign-in itself is proven."""
    if answer.status == 404:
        return Stop(_hidden(registry.visit, image, proof))
    if answer.refused:
        return no_access(image, proof)
    return registry.unclear(answer)


def conclude(visit: Visit, image: Reference, pull: Pull, proof: Proof) -> Finding:
    """The finding after asking for the manifest of `image`."""
    name = image.familiar() if not visit.config.prefix else f"{image.repository}:{image.version}"
    if pull is Pull.PULLED:
        visit.passed(Stage.PULL)
        visit.passed(Stage.IMAGE, f"{image.repository}:{image.version}")
        return Finding(
            Verdict.PROVEN, proof.level, Stage.IMAGE, f"{proof.words}, and can pull {name}."
        )
    if pull is Pull.NO_TAG:
        visit.passed(Stage.PULL)
        visit.mark(Stage.IMAGE, Mark.FAILED, "tag not found")
        return Finding(
            Verdict.PROVEN,
            proof.level,
            Stage.IMAGE,
            f"{proof.words}, and may pull {image.repository}, but it has no {image.version}.",
            "Choose a tag that exists as the Test image.",
            Cause.TAG_NOT_FOUND,
        )
    if pull is Pull.HIDDEN:
        return _hidden(visit, image, proof)
    if pull is Pull.BAD_TOKEN:
        raise unreachable(
            Stage.PULL,
            Cause.REGISTRY_ERROR,
            f"{image.host} does not accept the token its own token service gave; "
            "the right to pull was not judged.",
            "Nothing to do here: it is tried again by itself.",
        )
    raise no_access(image, proof)


def no_access(image: Reference, proof: Proof) -> Stop:
    """The registry itself refuses the image to a proven identity."""
    return refused(
        Stage.PULL,
        Cause.NO_ACCESS,
        f"{proof.words}, but cannot pull {image.repository}: no permission, or it does not exist "
        "(the registry does not say which).",
        f"Give it the right to pull {image.repository}, or choose another Test image.",
        level=proof.level,
    )


def _hidden(visit: Visit, image: Reference, proof: Proof) -> Finding:
    # A 404 condemns no credential: the image may simply be gone.
    visit.mark(Stage.IMAGE, Mark.FAILED, "not found")
    return Finding(
        Verdict.UNPROVEN,
        proof.level,
        Stage.IMAGE,
        f"{proof.words}, but {image.repository} was not found: it does not exist, or is hidden "
        "from this sign-in.",
        "Check the name of the Test image, and that this sign-in may pull it.",
        Cause.NO_ACCESS,
    )
