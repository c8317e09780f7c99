"""Signing in to read one repository, and the words for being kept from it."""

from __future__ import annotations

from typing import Final

from bot.core.check import Cause, Stage
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login, TokenAnswer
from bot.kinds.finding import Stop, refused
from bot.kinds.pull_login import pull_login
from bot.kinds.visit import Visit

# Where the token service's 401 or 403 speaks of the sign-in; elsewhere it may speak of the image.
_JUDGES_SIGN_IN: Final = frozenset({"docker_hub", "ghcr", "github_enterprise", "gitlab", "generic"})


async def authorization_for(
    visit: Visit, registry: Distribution, challenge: Challenge | None, repository: str
) -> str | None:
    """What a request for `repository` carries; None where nothing is asked for. Raises Unseen."""
    if challenge is None:
        return None
    actions = "pull,metadata_read" if ".azurecr." in registry.host else "pull"
    answer = await token_for(visit, registry, challenge, f"repository:{repository}:{actions}")
    if answer is None or isinstance(answer, str):
        return answer
    if answer.token is None:
        raise _no_token(visit, registry, answer, repository)
    if not answer.grants(repository, "pull"):
        raise denied(visit, registry, repository)
    return f"Bearer {answer.token.reveal()}"


async def token_for(
    visit: Visit, registry: Distribution, challenge: Challenge, scope: str
) -> TokenAnswer | str | None:
    """What the token service says to `scope`; where there is none, the Basic sign-in or nothing."""
    login = None
    if not visit.config.anonymous:
        given = await pull_login(visit)
        login = Login(given.username, given.password)
    if challenge.scheme == "basic":
        return login.basic() if login is not None else None
    return await registry.token(challenge, login, scope)


def denied(visit: Visit, registry: Distribution, repository: str) -> Unseen:
    """The sign-in is good, or there is none, and the repository is kept from it."""
    if visit.config.anonymous:
        return Unseen(
            Absence.DENIED,
            f"{repository} cannot be read without a credential: it is private, or does not exist.",
        )
    return Unseen(
        Absence.DENIED,
        f"The stored sign-in may not read {repository} at {registry.host}, or it does not exist "
        "(the registry does not say which).",
        f"Give it the right to pull {repository}.",
    )


def sign_in_refused(registry: Distribution) -> Stop:
    return refused(
        Stage.LOGIN,
        Cause.BAD_CREDENTIALS,
        f"{registry.host} refused the stored credential, so nothing could be looked at.",
        "Test the registry to see what is wrong with it.",
    )


def hidden(registry: Distribution, repository: str) -> Unseen:
    return Unseen(
        Absence.HIDDEN,
        f"{repository} was not found at {registry.host}: it does not exist, or is hidden from the "
        "stored sign-in.",
    )


def _no_token(
    visit: Visit, registry: Distribution, answer: TokenAnswer, repository: str
) -> Exception:
    if answer.status == 404:
        return hidden(registry, repository)
    if not answer.refused:
        return registry.unclear(answer)
    says = visit.config.kind in _JUDGES_SIGN_IN and not visit.config.anonymous
    if visit.config.kind == "gitlab" and answer.status == 403:
        says = False  # GitLab knows the user, who has no right here
    return sign_in_refused(registry) if says else denied(visit, registry, repository)
