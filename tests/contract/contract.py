"""What every kind must do, whatever its make: the suite that each kind's test class inherits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest

from bot.core.check import Cause, CheckResult, Evidence, Level, Mark, Stage, StageResult, Verdict
from bot.core.secret import Secret
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.states import State
from tests.contract.lab import Lab, open_lab
from tests.contract.table import TABLE

DEFINITIVE = {Verdict.PROVEN, Verdict.REFUSED}
UNDECIDED = (State.LIMITED, State.DOWN, State.STUCK, State.BANNED, State.REFUSES_CONNECTION)
MOST_REQUESTS = 6


class KindContract:
    """Inherit, name the kind, and say which hosts may be shown its credential, and how.

    `approved` holds (host, manner) as `Practice.received` tells them; `wrong` are answers that turn
    the practice credential into one that nobody knows.
    """

    slug: ClassVar[str]
    approved: ClassVar[frozenset[tuple[str, str]]]
    wrong: ClassVar[Mapping[str, str | Secret]]

    async def test_credential_is_proven_by_strong_evidence(self) -> None:
        """Healthy: proven, at a level that may be shown as valid, through all stages."""
        async with open_lab() as lab:
            result = await lab.check(self.slug)

        assert result.verdict is Verdict.PROVEN
        assert result.level >= Level.E2
        assert [stage.stage for stage in result.stages] == list(Stage)
        assert {stage.mark for stage in result.stages} == {Mark.PASSED}

    async def test_credential_is_proven_without_a_test_image(self) -> None:
        """No image was named: the sign-in is proven, and nothing is said about an image."""
        async with open_lab() as lab:
            result = await lab.check(self.slug, changed={"test_image": ""})

        assert result.verdict is Verdict.PROVEN
        assert result.stage in {Stage.LOGIN, Stage.PULL}
        assert mark_of(result, Stage.IMAGE) is Mark.SKIPPED

    async def test_wrong_credential_is_refused_at_the_sign_in(self) -> None:
        """A credential that nobody knows is refused, although the registry is well."""
        async with open_lab() as lab:
            result = await lab.check(self.slug, changed=self.wrong)

        assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)
        assert result.remedy

    async def test_one_failed_sign_in_is_all_that_a_refusal_takes(self) -> None:
        """Vendors lock out after some failures, so a check spends exactly one."""
        async with open_lab() as lab:
            result = await lab.check(self.slug, changed=self.wrong)

        assert sum(map(is_failed_sign_in, result.evidence)) == 1

    @pytest.mark.parametrize("state", UNDECIDED)
    async def test_outage_never_condemns_the_credential(self, state: State) -> None:
        """429, 5xx, silence and bans judge nothing: no evidence, no definitive verdict."""
        async with open_lab() as lab:
            result = await lab.check(self.slug, state)

        assert result.verdict not in DEFINITIVE
        assert (result.level, result.explicit) == (Level.E0, False)

    async def test_secret_goes_to_approved_hosts_only(self) -> None:
        """In no state of the registry does a secret arrive where it does not belong."""
        async with open_lab() as lab:
            for state in self.states():
                lab.practice.set_state(self.slug, State.HEALTHY)
                await lab.check(self.slug, state)

            assert lab.practice.received <= self.approved

    async def test_check_takes_six_requests_at_most(self) -> None:
        """Counted by the registries themselves, in every state."""
        async with open_lab() as lab:
            counts = {state: await self.count(lab, state) for state in self.states()}

        assert {state: count for state, count in counts.items() if count > MOST_REQUESTS} == {}

    async def test_evidence_tells_each_request(self) -> None:
        """The log of a check names every request the registry saw, in order."""
        async with open_lab() as lab:
            result = await lab.check(self.slug)

            seen = [(entry.method, entry.status) for entry in lab.practice.log]
        assert [(one.method, one.status) for one in result.evidence] == seen

    async def test_nothing_that_is_told_holds_a_secret(
        self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the result, its evidence, the progress nor the logs, in any state."""
        told: list[object] = []
        async with open_lab() as lab:
            secrets = lab.practice.vendors[self.slug].secrets()
            for state in self.states():
                lab.practice.set_state(self.slug, State.HEALTHY)
                result = await lab.check(self.slug, state)
                told += [result, result.evidence, result.stages]

        written = f"{told!r}{capsys.readouterr()}{caplog.text}"
        assert [secret for secret in secrets if secret in written] == []

    async def test_decoy_credentials_change_nothing(
        self, monkeypatch: pytest.MonkeyPatch, decoys: Callable[[], None]
    ) -> None:
        """Credentials of this machine neither help a wrong credential nor harm a right one."""
        decoys()
        async with open_lab() as lab:
            right = await lab.check(self.slug)
            lab.practice.forget()
            wrong = await lab.check(self.slug, changed=self.wrong)

            assert lab.practice.received <= self.approved
        assert (right.verdict, wrong.verdict) == (Verdict.PROVEN, Verdict.REFUSED)

    async def test_public_image_proves_no_right_to_pull(self) -> None:
        """What anyone may pull never makes a credential better than its sign-in."""
        async with open_lab() as lab:
            image = lab.config(self.slug).test_image.replace("team/app", "public/hello")
            bad = await lab.check(self.slug, changed={**self.wrong, "test_image": image})

        assert bad.verdict is Verdict.REFUSED

    async def test_missing_tag_condemns_nothing(self) -> None:
        """The repository can be read, the tag is not there: say so, and keep the credential."""
        async with open_lab() as lab:
            image = lab.config(self.slug).test_image.replace(":1.2", ":9.9")
            result = await lab.check(self.slug, changed={"test_image": image})

        assert result.verdict is Verdict.PROVEN
        assert result.cause is Cause.TAG_NOT_FOUND

    async def test_multi_platform_image_is_found(self) -> None:
        """The index of an image for several platforms is asked for as well."""
        async with open_lab() as lab:
            image = lab.config(self.slug).test_image.replace(":1.2", ":multi")
            result = await lab.check(self.slug, changed={"test_image": image})

        assert (result.verdict, result.cause) == (Verdict.PROVEN, None)

    async def test_progress_ends_with_the_stages_of_the_result(self) -> None:
        """Whoever watches sees every stage begin, in order, and the last word is the result's."""
        seen: list[tuple[StageResult, ...]] = []
        async with open_lab() as lab:
            result = await lab.checker().check(lab.config(self.slug), seen.append)

        begun = [stage.stage for stages in seen for stage in stages if stage.mark is Mark.RUNNING]
        assert sorted(set(begun), key=list(Stage).index) == list(dict.fromkeys(begun))
        assert [one.stage for one in seen[-1]] == [one.stage for one in result.stages]

    async def test_retry_time_is_told_when_limited(self) -> None:
        """`Retry-After: 120` becomes a time two minutes from now."""
        async with open_lab() as lab:
            result = await lab.check(self.slug, State.LIMITED)

            assert result.retry_at is not None
            assert (result.retry_at - lab.clock.now()).total_seconds() == 120

    async def test_kind_and_practice_registry_use_the_same_words(self) -> None:
        """What the sandbox shows for copying is labelled like the inputs of the form."""
        kind = KINDS[self.slug]
        asked = {"Registry URL", "Path scope", "Test image"} | {
            field.label for variant in kind.variants for field in variant.fields
        }
        async with open_lab() as lab:
            vendor = lab.practice.vendors[self.slug]

        assert vendor.label == kind.label
        assert {field.label for field in vendor.fields()} <= asked

    def states(self) -> list[State]:
        """The states of the table, without those that only keep a test waiting."""
        slow = {State.STUCK, State.DRIPS, State.SLOW}
        return [state for slug, state in TABLE if slug == self.slug and state not in slow]

    async def count(self, lab: Lab, state: State) -> int:
        """How many requests one check in this state makes."""
        lab.practice.set_state(self.slug, State.HEALTHY)
        before = lab.requests
        await lab.check(self.slug, state)
        return lab.requests - before


def mark_of(result: CheckResult, stage: Stage) -> Mark:
    return next(one.mark for one in result.stages if one.stage is stage)


def is_failed_sign_in(one: Evidence) -> bool:
    return not one.anonymous and one.status in {400, 401, 403, 404}


def approved(*hosts: str) -> frozenset[tuple[str, str]]:
    """`host manner` pairs."""
    return frozenset((host, manner) for host, manner in (text.split() for text in hosts))
