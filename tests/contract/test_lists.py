"""Repositories and tags of every kind's practice registry: page by page, few requests, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.core.config import Config
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.listing_kinds import LISTS
from bot.kinds.lists import SHOWN
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.shelf import AGE
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import VERSION
from bot.sandbox.practice.vendors.amazon import AwsFault, json_fault
from bot.sandbox.practice.vendors.generic import HARBOR
from tests.contract.lab import NOON, Lab, open_lab
from tests.contract.odd import HOST
from tests.contract.test_looks import looker_of, odd_config, serving

BEFORE = {"gcp_artifact_registry": "acme-practice/"}
DATED = set(KINDS) - {"gitlab", "generic"}
"""Those whose API tells when a tag was pushed, and its digest."""
MOST_REQUESTS = 5
NEVER_LACKS = {"generic": State.NO_ACCESS, "docker_hub": State.NO_ACCESS}


def patience(state: State) -> float:
    """Short only where nothing ever answers: a busy machine must not look like a silent host."""
    return 0.6 if state is State.STUCK else 10.0


def name_of(slug: str, repository: str = "team/app") -> str:
    return BEFORE.get(slug, "") + repository


async def everything(lab: Lab, config: Config) -> tuple[list[FoundRepository], int]:
    """All repositories, turned to as a person does, and how many pages it took."""
    looker, cursor, pages = looker_of(lab), "", 0
    found: list[FoundRepository] = []
    while True:
        page = await looker.repositories(config, "", cursor)
        found += page.items
        pages += 1
        if not page.next:
            return found, pages
        cursor = page.next


async def every_tag(lab: Lab, config: Config, repository: str) -> list[FoundTag]:
    looker, cursor = looker_of(lab), ""
    found: list[FoundTag] = []
    while True:
        page = await looker.tags(config, repository, "", cursor)
        found += page.items
        if not page.next:
            return found
        cursor = page.next


async def unseen(lab: Lab, config: Config) -> Unseen:
    with pytest.raises(Unseen) as caught:
        await looker_of(lab).repositories(config, "", "")
    return caught.value


@pytest.mark.parametrize("slug", list(LISTS))
async def test_repositories_of_the_path_scope_are_listed(slug: str) -> None:
    """And no others, in few requests, each sent where the credential belongs."""
    async with open_lab() as lab:
        config = lab.config(slug, changed={"path_scope": name_of(slug, "team")})
        page = await looker_of(lab).repositories(config, "", "")
        asked = lab.requests

    assert [one.name for one in page.items] == [name_of(slug)]
    assert page.next == ""
    assert asked <= MOST_REQUESTS


@pytest.mark.parametrize("slug", list(KINDS))
async def test_tags_of_a_repository_are_listed(slug: str) -> None:
    """With digest and age where the registry's own API tells them."""
    async with open_lab() as lab:
        page = await looker_of(lab).tags(lab.config(slug), name_of(slug), "", "")
        digests = lab.practice.generic.bench.shelf.tags("team/app")
        asked = lab.requests

    assert {tag.name for tag in page.items} == {"1.2", "multi"}
    assert asked <= MOST_REQUESTS
    if slug in DATED:
        assert {tag.name: tag.digest for tag in page.items} == digests
        assert {tag.pushed for tag in page.items} == {NOON - AGE}


@pytest.mark.parametrize("slug", list(KINDS))
async def test_a_repository_that_is_not_there_has_no_tags(slug: str) -> None:
    """Or hides from this sign-in; either way it is said, and no sign-in has failed."""
    async with open_lab() as lab:
        with pytest.raises(Unseen) as caught:
            await looker_of(lab).tags(lab.config(slug), name_of(slug, "team/none"), "", "")

    assert caught.value.why in {Absence.HIDDEN, Absence.DENIED}
    assert not caught.value.failed_sign_in


@pytest.mark.parametrize("slug", list(LISTS))
async def test_who_lacks_the_right_is_told_which(slug: str) -> None:
    """In the vendor's own words for it, and without a word of the vendor's answer."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, NEVER_LACKS.get(slug, State.LACKS_SCOPE))
        found = await unseen(lab, config)

    assert found.why in {Absence.DENIED, Absence.HIDDEN}
    assert not found.failed_sign_in
    told = f"{found} {found.remedy}"
    assert "practice" not in told.replace(config.host, "").replace("acme-practice", "")
    assert not any(secret.reveal() in told for secret in config.secrets.values())


@pytest.mark.parametrize("slug", list(LISTS))
async def test_an_empty_registry_is_empty(slug: str) -> None:
    """Not an error, and not a page that goes on."""
    async with open_lab() as lab:
        lab.practice.generic.bench.shelf.bare = True
        page = await looker_of(lab).repositories(lab.config(slug), "", "")

    assert page == Page(())


@pytest.mark.parametrize("slug", list(LISTS))
async def test_many_repositories_come_page_by_page(slug: str) -> None:
    """Each once, whatever way the vendor's pages are turned."""
    async with open_lab() as lab:
        lab.practice.generic.bench.shelf.crowd = 230
        config = lab.config(slug, changed={"path_scope": name_of(slug, "team")})
        found, pages = await everything(lab, config)

    names = [one.name for one in found]
    assert len(names) == len(set(names)) == 231
    assert pages >= 231 / SHOWN


@pytest.mark.parametrize("slug", list(KINDS))
async def test_many_tags_come_page_by_page(slug: str) -> None:
    """Each once."""
    async with open_lab() as lab:
        lab.practice.generic.bench.shelf.crowd = 230
        found = await every_tag(lab, lab.config(slug), name_of(slug))

    names = [tag.name for tag in found]
    assert len(names) == len(set(names)) == 232


@pytest.mark.parametrize("slug", list(LISTS))
async def test_a_filter_reads_a_few_pages_and_goes_on(slug: str) -> None:
    """Within one look, and no more than five pages of the registry."""
    async with open_lab() as lab:
        lab.practice.generic.bench.shelf.crowd = 150
        config = lab.config(slug, changed={"path_scope": name_of(slug, "team")})
        page = await looker_of(lab).repositories(config, "many-0149", "")
        asked = lab.requests

    assert [one.name for one in page.items] == [name_of(slug, "team/many-0149")]
    assert asked <= MOST_REQUESTS + 5


@pytest.mark.parametrize("slug", list(LISTS))
@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.DOWN, Absence.UNREACHABLE),
        (State.LIMITED, Absence.LIMITED),
        (State.STUCK, Absence.UNREACHABLE),
    ],
)
async def test_a_registry_that_is_away_lists_nothing(slug: str, state: State, why: Absence) -> None:
    """And says when it may be asked again, if it told."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, state)
        with pytest.raises(Unseen) as caught:
            await looker_of(lab, total=patience(state)).repositories(config, "", "")

    assert caught.value.why is why


def listing(payload: object, *headers: tuple[str, str]) -> Callable[[Ask], Answer]:
    """A registry whose every list is this one."""
    return serving(lambda _: as_json(200, payload, *headers))


@pytest.mark.parametrize(
    "link",
    [
        '<https://collector.example/v2/_catalog?last=b>; rel="next"',
        '<//collector.example/v2/_catalog?last=b>; rel="next"',
        '<http://{host}/v2/_catalog?last=b>; rel="next"',
        '<https://{host}:8443/v2/_catalog?last=b>; rel="next"',
        '<https://user:pass@[::1>; rel="next"',
        '</v2/_catalog?other=b>; rel="next"',
        '</v2/_catalog?last=b>; rel="prev"',
        "garbage",
    ],
)
async def test_a_link_leads_nowhere_else(link: str) -> None:
    """The list ends there, and nobody else is asked."""
    async with open_lab() as lab:
        lab.practice.serve(
            HOST, listing({"repositories": ["team/app"]}, ("Link", link.format(host=HOST)))
        )
        page = await looker_of(lab).repositories(odd_config(lab), "", "")
        hosts = {entry.host for entry in lab.practice.log}

    assert (len(page.items), page.next) == (1, "")
    assert hosts == {HOST}


async def test_pages_that_lead_to_each_other_are_read_five_times() -> None:
    """Then the person is asked whether to go on."""
    async with open_lab() as lab:

        def site(ask: Ask) -> Answer:
            other = "a" if ask.first("last") == "b" else "b"
            link = ("Link", f'</v2/_catalog?last={other}>; rel="next"')
            return as_json(200, {"repositories": ["team/other"]}, link)

        lab.practice.serve(HOST, serving(site))
        page = await looker_of(lab).repositories(odd_config(lab), "nothing", "")
        asked = lab.requests

    assert page.items == ()
    assert page.next
    assert asked == 6


@pytest.mark.parametrize(
    "payload",
    [
        {"repositories": None},
        {"repositories": {}},
        {"repositories": [1, None, {}, ["a"]]},
        {"repositories": ["A", "a b", "a\nb", "\u202ea", "../..", "a" * 300, "<!channel>", ""]},
        [],
        {},
    ],
)
async def test_names_that_no_image_can_have_are_left_out(payload: object) -> None:
    """Control characters and markup among them; they are counted."""
    async with open_lab() as lab:
        lab.practice.serve(HOST, listing(payload))
        page = await looker_of(lab).repositories(odd_config(lab), "", "")

    assert page.items == ()
    many = payload.get("repositories") if isinstance(payload, dict) else None
    assert page.left_out == (len(many) if isinstance(many, list) else 0)


async def test_huge_lists_are_bounded() -> None:
    """Ten thousand names of one answer are looked at, and four megabytes are read."""
    async with open_lab() as lab:
        many = json.dumps({"tags": [f"0.{number}" for number in range(50_000)]}).encode()
        lab.practice.serve(HOST, serving(lambda _: Answer(200, many)))
        page = await looker_of(lab).tags(odd_config(lab), "team/app", "", "")
        assert (page.items[0].name, len(page.items)) == ("0.49999", SHOWN)

        lab.practice.serve(HOST, serving(lambda _: Answer(200, b" " * (5 * 1024 * 1024))))
        with pytest.raises(Unseen) as caught:
            await looker_of(lab).tags(odd_config(lab), "team/app", "", "")

    assert "longer list than is read" in str(caught.value)


async def test_a_token_that_cannot_be_carried_ends_the_list() -> None:
    """It would not fit a button."""
    async with open_lab() as lab:
        link = ("Link", f'</v2/_catalog?last={"a" * 3000}>; rel="next"')
        lab.practice.serve(HOST, listing({"repositories": ["team/app"]}, link))
        page = await looker_of(lab).repositories(odd_config(lab), "", "")

    assert (len(page.items), page.next) == (1, "")


def harbor(lab: Lab, scope: str) -> Config:
    robot = lab.practice.generic
    answers = {"url": f"https://{HARBOR}", "username": robot.robot, "path_scope": scope}
    config = lab.config("generic", changed=answers)
    return config.with_secrets({"password": type(config.secrets["password"])(robot.robot_secret)})


@pytest.mark.parametrize(
    ("scope", "names"), [("team", ["team/app"]), ("", ["public/hello", "team/app"])]
)
async def test_harbor_is_asked_by_its_own_api(scope: str, names: list[str]) -> None:
    """Its catalog is for administrators; a robot may list its project."""
    async with open_lab() as lab:
        page = await looker_of(lab).repositories(harbor(lab, scope), "", "")
        tags = await looker_of(lab).tags(harbor(lab, scope), "team/app", "", "")
        digests = lab.practice.generic.bench.shelf.tags("team/app")

    assert [one.name for one in page.items] == names
    assert all(one.updated == NOON - AGE for one in page.items)
    assert {tag.name: tag.digest for tag in tags.items} == digests
    assert {tag.pushed for tag in tags.items} == {NOON - timedelta(days=3)}


async def test_a_robot_of_harbor_without_the_right_is_told() -> None:
    """By the name of Harbor's permission."""
    async with open_lab() as lab:
        config = harbor(lab, "team")
        lab.practice.set_state("generic", State.NO_ACCESS)
        found = await unseen(lab, config)

    assert found.why is Absence.DENIED
    assert "List repository" in found.remedy


# What is of one kind only.


async def test_another_publishers_repository_of_the_same_name_is_not_ours() -> None:
    """Amazon's API leaves the alias out, so the registry itself is asked for strangers' tags."""
    async with open_lab() as lab:
        page = await looker_of(lab).tags(lab.config("public_ecr"), "other/team/app", "", "")
        actions = [entry.path for entry in lab.practice.log]

    assert {tag.digest for tag in page.items} == {""}
    assert "/DescribeImageTags" not in actions
    assert "/v2/other/team/app/tags/list" in actions


@pytest.mark.parametrize("slug", ["docker_hub", "ghcr", "public_ecr", "gitlab", "generic"])
async def test_an_anonymous_registry_lists_what_it_may(slug: str) -> None:
    """Tags of public repositories; repositories only where strangers may list them."""
    async with open_lab() as lab:
        if slug == "generic":
            lab.practice.set_state(slug, State.OPEN)
        config = lab.config(slug, "anonymous", changed={"path_scope": "public"})
        tags = await looker_of(lab).tags(config, "public/hello", "", "")
        names: list[str] | Absence
        try:
            page = await looker_of(lab).repositories(config, "", "")
            names = [one.name for one in page.items]
        except Unseen as unseen:
            names = unseen.why

    assert {tag.name for tag in tags.items} == {"1.2", "multi"}
    assert (
        names
        == {
            "docker_hub": ["public/hello"],
            "ghcr": Absence.NOT_ASKED,
            "public_ecr": Absence.NOT_ASKED,
            "gitlab": Absence.DENIED,
            "generic": [],
        }[slug]
    )


@pytest.mark.parametrize("slug", ["docker_hub", "scaleway", "ecr"])
async def test_the_registry_itself_lists_tags_where_the_api_does_not(slug: str) -> None:
    """Without digests and ages, but whoever may pull sees what there is to pull."""
    async with open_lab() as lab:
        config = lab.config(slug)
        api = {"docker_hub": "hub.docker.com", "scaleway": "api.scaleway.com", "ecr": ""}[slug]
        vendor = lab.practice.vendors[slug]

        def refusing(ask: Ask) -> Answer:
            lists = "/tags" in ask.path or "/images" in ask.path
            return as_json(403, {"message": "secret words"}) if lists else vendor.answer(ask)

        if api:
            lab.practice.serve(api, refusing)
        else:
            lab.practice.cloud._list = lambda *_, **__: json_fault(  # type: ignore[method-assign]
                AwsFault("AccessDeniedException", "secret words", 400)
            )
        page = await looker_of(lab).tags(config, "team/app", "", "")
        repositories = None
        if slug != "docker_hub":
            repositories = await unseen(lab, config)

    assert [tag.name for tag in page.items] == ["1.2", "multi"]
    assert {tag.digest for tag in page.items} == {""}
    assert repositories is None or "secret words" not in f"{repositories}{repositories.remedy}"


async def test_a_role_lists_as_keys_do() -> None:
    """With the keys of the assumed role."""
    async with open_lab() as lab:
        config = lab.config("ecr", "assume_role")
        page = await looker_of(lab).repositories(config, "", "")

    assert [one.name for one in page.items] == ["public/hello", "team/app"]


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("acme-practice/team", ["acme-practice/team/app"]),
        ("acme-practice/team/app", ["acme-practice/team/app"]),
        ("acme-practice", ["acme-practice/public/hello", "acme-practice/team/app"]),
        ("", ["acme-practice/public/hello", "acme-practice/team/app"]),
    ],
)
async def test_google_lists_one_repository_after_the_other(scope: str, names: list[str]) -> None:
    """Without a path scope those of the key's own project."""
    async with open_lab() as lab:
        config = lab.config("gcp_artifact_registry", changed={"path_scope": scope})
        found, _ = await everything(lab, config)

    assert [one.name for one in found] == names


@pytest.mark.parametrize(
    ("scope", "names"), [("team", ["team/app"]), ("team/app", ["team/app"]), ("nobody", None)]
)
async def test_gitlab_lists_a_group_or_a_project(scope: str, names: list[str] | None) -> None:
    """Whichever the path scope is; one that is neither is said not to be there."""
    async with open_lab() as lab:
        config = lab.config("gitlab", changed={"path_scope": scope})
        if names is None:
            assert (await unseen(lab, config)).why is Absence.HIDDEN
            return
        page = await looker_of(lab).repositories(config, "", "")

    assert [one.name for one in page.items] == names


async def test_a_deploy_token_of_gitlab_is_not_sent_to_the_api() -> None:
    """It would count as a failed sign-in there."""
    async with open_lab() as lab:
        gitlab = lab.practice.gitlab
        config = lab.config("gitlab", changed={"username": "gitlab+deploy-token-7"})
        secret = type(config.secrets["token"])
        config = config.with_secrets({"token": secret(gitlab.deploy_token)})
        found = await unseen(lab, config)
        assert lab.requests == 0
        page = await looker_of(lab).tags(config, "team/app", "", "")

    assert found.why is Absence.DENIED
    assert "read_api" in found.remedy
    assert len(page.items) == 2


@pytest.mark.parametrize("slug", ["docker_hub", "gitlab"])
async def test_who_names_no_organisation_is_told_to(slug: str) -> None:
    """These list one at a time."""
    async with open_lab() as lab:
        variant = "anonymous" if slug == "docker_hub" else ""
        found = await unseen(lab, lab.config(slug, variant, changed={"path_scope": ""}))
        asked = lab.requests

    assert found.why is Absence.NOT_ASKED
    assert "path scope" in found.remedy
    assert asked == 0


async def test_github_is_asked_for_the_users_own_packages_without_a_scope() -> None:
    """Their names are lower-case in references, however the owner writes theirs."""
    async with open_lab() as lab:
        config = lab.config("ghcr", changed={"path_scope": ""})
        page = await looker_of(lab).repositories(config, "", "")

    assert [one.name for one in page.items] == ["team/app"]


async def test_quay_is_asked_by_its_own_api_for_an_oauth_token() -> None:
    """In one organisation; robots have only the protocol."""
    async with open_lab() as lab:
        seen: list[str] = []

        def quay(ask: Ask) -> Answer:
            seen.append(f"{ask.path} {ask.shows}")
            if ask.path.endswith("/tag/"):
                tag = {"name": "1.2", "manifest_digest": "sha256:" + "a" * 64, "start_ts": 1.7e9}
                return as_json(200, {"tags": [tag], "has_additional": False})
            if ask.path == "/api/v1/repository":
                first = {"namespace": "acme", "name": "app", "last_modified": 1.7e9}
                more = ask.first("next_page") == ""
                return as_json(
                    200, {"repositories": [first], **({"next_page": "gAAA=="} if more else {})}
                )
            realm = f'Bearer realm="https://{HOST}/v2/auth",service="{HOST}"'
            return as_json(401, {}, ("WWW-Authenticate", realm), VERSION)

        lab.practice.serve(HOST, quay)
        config = lab.config(
            "generic",
            changed={"url": f"https://{HOST}", "username": "$oauthtoken", "path_scope": "acme"},
        )
        page = await looker_of(lab).repositories(config, "", "")
        tags = await looker_of(lab).tags(config, "acme/app", "", "")

    assert [one.name for one in page.items] == ["acme/app", "acme/app"]
    assert [(tag.name, tag.digest[:10]) for tag in tags.items] == [("1.2", "sha256:aaa")]
    assert tags.items[0].pushed is not None
    assert [line for line in seen if "bearer" in line] == [
        "/api/v1/repository bearer",
        "/api/v1/repository bearer",
        "/api/v1/repository/acme/app/tag/ bearer",
    ]
