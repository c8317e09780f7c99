"""Registries used without a credential: do they answer, and can the test image be pulled."""

from __future__ import annotations

from bot.core.check import Cause, Level, Mark, Stage, Verdict
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Pull
from bot.kinds.finding import Finding
from bot.kinds.pull import test_image
from bot.kinds.visit import Visit


async def look_around(visit: Visit, registry: Distribution, challenge: Challenge | None) -> Finding:
    """Never green: there is no credential to prove."""
    visit.mark(Stage.LOGIN, Mark.SKIPPED, "anonymous")
    image = test_image(visit)
    if image is None:
        return _finding(
            Stage.REGISTRY,
            f"{registry.host} answers. It is used without a credential, so there is none to prove.",
            "Add a Test image to prove that anonymous pulls work.",
        )
    visit.enter(Stage.PULL)
    authorization = None
    if challenge is not None and challenge.scheme == "bearer":
        answer = await registry.token(challenge, None, f"repository:{image.repository}:pull")
        if answer.token is None:
            return _closed(visit, image.repository)
        authorization = f"Bearer {answer.token.reveal()}"
    visit.enter(Stage.IMAGE)
    pull = await registry.manifest(image, authorization)
    if pull is Pull.PULLED:
        visit.passed(Stage.PULL)
        visit.passed(Stage.IMAGE, "public image")
        return _finding(
            Stage.IMAGE,
            f"Anyone can pull {image.familiar()}. Without a credential there is nothing to prove.",
            "Nothing to do.",
        )
    if pull is Pull.NO_TAG:
        visit.passed(Stage.PULL)
        visit.mark(Stage.IMAGE, Mark.FAILED, "tag not found")
        return Finding(
            Verdict.UNPROVEN,
            Level.E1,
            Stage.IMAGE,
            f"Anyone may pull {image.repository}, but it has no {image.version}.",
            "Choose a tag that exists as the Test image.",
            Cause.TAG_NOT_FOUND,
        )
    return _closed(visit, image.repository)


def _closed(visit: Visit, repository: str) -> Finding:
    visit.mark(Stage.PULL, Mark.FAILED, "not public")
    return Finding(
        Verdict.UNPROVEN,
        Level.E1,
        Stage.PULL,
        f"{repository} cannot be pulled without a credential: it is private, or does not exist.",
        "Sign in with an account, or choose a public image as the Test image.",
        Cause.NO_ACCESS,
    )


def _finding(stage: Stage, sentence: str, remedy: str) -> Finding:
    return Finding(Verdict.UNPROVEN, Level.E1, stage, sentence, remedy, Cause.NO_CREDENTIAL)
