"""Entering a secret on a page outside Slack, from the form to the saved registry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import FormData
from playwright.async_api import Locator, Page, async_playwright, expect
from sqlmodel import select, update

from bot.core.check import Verdict
from bot.core.secret import Secret
from bot.slack import ids
from bot.slack.desk import Desk
from bot.slack.outside import follow_left
from bot.store.schema import Draft, SecretAsk
from bot.usecases import drafts, registries, secret_asks
from bot.usecases.link_codes import GOOD_FOR
from bot.web.secret_entry import BODY_MOST
from tests.factories import ALICE, add, checker_of, clock_of, proven, refused
from tests.kinds.test_form import service_account
from tests.programs import program
from tests.slack.entering import Client, enter, shown
from tests.slack.workspace import Office, Person, opened

PASSWORD = "correct horse battery staple"
KEY = "service_account_json"


async def ask(office: Office, alice: Person, **values: str) -> tuple[str, str]:
    """The path and the code that Slack shows for a form that is filled in."""
    await alice.type("add generic")
    filled = {"url": "https://registry.example.com", "username": "ci", "name": "harbor-team"}
    for name, value in (filled | values).items():
        alice.fill(name, value)
    await alice.press(ids.OUTSIDE, inside="modal")
    return shown(office)


async def drafts_kept(office: Office) -> int:
    async with office.deps.store.reading() as session:
        return len((await session.exec(select(Draft))).all())


async def test_a_secret_goes_around_slack(office: Office, alice: Person, client: Client) -> None:
    """Form, page, check, result: the view moves on, and Slack never had the secret."""
    path, code = await ask(office, alice)
    status, text = await enter(client, path, code, password=PASSWORD)
    await office.background.drain()

    assert status == 200
    assert "Go back to Slack" in text
    assert "Proven and saved" in str(office.slack.view["blocks"])
    assert (await registries.show(office.deps, ALICE, "harbor-team")).details.owner == "UALICE"
    assert PASSWORD not in str(office.slack.calls) + text


async def test_looking_changes_nothing(office: Office, alice: Person, client: Client) -> None:
    """A scanner that opens the link uses nothing up; the answer may not be kept or framed."""
    path, code = await ask(office, alice)
    for _ in range(5):
        answer = await client.get(path)
        assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert code not in await answer.text()
    assert (await enter(client, path, code, password=PASSWORD))[0] == 200


async def test_two_tabs_enter_once(office: Office, alice: Person, client: Client) -> None:
    """Of two that are sent at once one is kept; sending it later says that it is entered."""
    path, code = await ask(office, alice)
    sent = [enter(client, path, code, password=PASSWORD) for _ in range(2)]
    answers = await asyncio.gather(*sent)

    assert [status for status, _ in answers] == [200, 200]
    assert sum("Registrar has it" in text for _, text in answers) == 1
    assert "entered already" in (await enter(client, path, code, password="another one"))[1]
    assert await drafts_kept(office) == 1


async def test_the_third_wrong_code_ends_it(office: Office, alice: Person, client: Client) -> None:
    """Whoever has the link but not Slack has three tries; the right code comes too late then."""
    path, code = await ask(office, alice)
    wrong = "000-000" if code != "000-000" else "111-111"
    said = [await enter(client, path, wrong, password=PASSWORD) for _ in range(3)]

    assert [status for status, _ in said] == [403, 403, 404]
    assert (await enter(client, path, code, password=PASSWORD))[0] == 404
    assert await drafts_kept(office) == 0


async def test_an_old_link_says_so(office: Office, alice: Person, client: Client) -> None:
    """After 15 minutes the page takes nothing and says what to do."""
    path, code = await ask(office, alice)
    clock_of(office.deps).skip(GOOD_FOR)
    status, text = await enter(client, path, code, password=PASSWORD)

    assert status == 404
    assert "Open the form in Slack again" in text
    assert await drafts_kept(office) == 0


async def test_a_blank_secret_is_asked_again(office: Office, alice: Person, client: Client) -> None:
    """What is wrong with the secret stands on its field, and the link is still good."""
    path, code = await ask(office, alice)
    status, text = await enter(client, path, code)
    assert status == 400
    assert 'id="password-wrong"' in text
    assert f'value="{code}"' in text
    assert 'type="password" autocomplete="off" spellcheck="false" autofocus' in text
    assert (await enter(client, path, code, password=PASSWORD))[0] == 200


async def test_too_much_is_refused(office: Office, alice: Person, client: Client) -> None:
    """A body is bounded; the link stays good."""
    path, code = await ask(office, alice)
    assert (await enter(client, path, code, password="x" * (BODY_MOST + 1)))[0] == 413
    assert (await enter(client, path, code, password=PASSWORD))[0] == 200


PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n%s\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        b"".join(PART % (b"a%d-file" % number, b"") for number in range(1000)) + b"--x--\r\n",
        b"\r\n" * 50_000,
        b"a preamble\r\n" + PART % (b"code", b"") + b"--x--\r\n",
        PART % (b"code", b"X: " + b"x" * 20_000) + b"--x--\r\n",
        PART % (b"code", b"a secret where no header is") + b"--x--\r\n",
        PART % (b"password", b"") + b"cut off",
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n",
    ],
    ids=["parts", "lines", "preamble", "long", "header", "cut", "nested"],
)
async def test_what_no_browser_sends_is_refused(
    office: Office, alice: Person, client: Client, body: bytes
) -> None:
    """Parts without end or form cost neither time nor a try, and nothing of them is logged."""
    path, code = await ask(office, alice)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.post(path, data=body, headers=kind)

    assert answer.status == 413
    assert "Nothing was kept" in await answer.text()
    assert (await enter(client, path, code, password=PASSWORD))[0] == 200


async def test_a_body_without_end_is_not_read_to_it(
    office: Office, alice: Person, client: Client
) -> None:
    """Neither lines before the first part nor parts without a body go on for ever."""
    path, _ = await ask(office, alice)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 500:
            sent += 1
            yield PART % (b"a%d-file" % sent, b"") * 1000

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.post(path, data=endless(), headers=kind)

    assert answer.status == 413
    assert sent < 500


async def test_wrong_answers_stay_in_the_form(office: Office, alice: Person) -> None:
    """No page is given for a form that is wrong already; it says what, and keeps the rest."""
    await alice.type("add generic")
    alice.fill("url", "https://registry.example.com")
    alice.fill("name", "Not A Name")
    await alice.press(ids.OUTSIDE, inside="modal")

    assert "/secret/enter/" not in str(office.slack.view)
    assert "⚠" in office.slack.view["blocks"][0]["text"]["text"]


async def test_without_pages_the_form_says_so(office: Office) -> None:
    """Without PUBLIC_URL the form stays and says what is missing."""
    async with opened(office.deps, public_url="") as bare:
        alice = bare.person("UALICE")
        await alice.type("add generic")
        await alice.press(ids.OUTSIDE, inside="modal")
        assert "PUBLIC_URL" in bare.slack.view["blocks"][0]["text"]["text"]


async def test_a_closed_view_is_told_privately(
    office: Office, alice: Person, client: Client
) -> None:
    """Whoever closed the window hears the outcome all the same."""
    path, code = await ask(office, alice)
    office.slack.close()
    await enter(client, path, code, password=PASSWORD)
    await office.background.drain()
    assert "Proven and saved" in str(office.slack.calls[-3:])


async def test_a_rotation_goes_around_slack(office: Office, alice: Person, client: Client) -> None:
    """The new credential of a rotation can be entered on the page as well."""
    path, code = await ask(office, alice)
    await enter(client, path, code, password=PASSWORD)
    await office.background.drain()
    await alice.type("rotate harbor-team")
    await alice.press(ids.OUTSIDE, inside="modal")
    path, code = shown(office)
    asked = await (await client.get(path)).text()
    assert "<button>Test and switch</button>" in asked
    assert "blank" not in asked
    status, _ = await enter(client, path, code, password="another good pass phrase")
    await office.background.drain()

    assert status == 200
    assert "Enter the secret" not in str(office.slack.view["blocks"])
    shown_now = str(office.slack.view["blocks"])
    assert "in force" in shown_now


async def test_a_blank_field_keeps_the_stored_secret(
    office: Office, alice: Person, client: Client
) -> None:
    """When editing, the page says what blank means, and means it."""
    await add(office.deps)
    await alice.type("edit harbor-team")
    alice.fill("description", "of the team")
    await alice.press(ids.OUTSIDE, inside="modal")
    path, code = shown(office)
    asked = await (await client.get(path)).text()
    assert "Leave it blank to keep the stored one." in asked
    assert "<button>Test and save</button>" in asked
    status, _ = await enter(client, path, code)
    await office.background.drain()

    assert status == 200
    changed = await registries.show(office.deps, ALICE, "harbor-team")
    assert changed.details.description == "of the team"


async def test_an_error_from_the_page_loses_no_secret(
    office: Office, alice: Person, client: Client
) -> None:
    """What was typed before and is kept is kept on, when only Slack can mend the form."""
    checker_of(office.deps).answers = [refused(), proven()]
    await alice.type("add generic")
    url = "https://registry.example.com"
    await alice.submit(url=url, username="ci", name="harbor-team", password=PASSWORD)
    buttons = [block for block in office.slack.view["blocks"] if block["type"] == "actions"]
    await alice.press(ids.CORRECT, buttons[0]["elements"][0]["value"], inside="modal")
    await alice.press(ids.OUTSIDE, inside="modal")
    path, code = shown(office)
    assert "the one that you typed before" in await (await client.get(path)).text()
    await add(office.deps)
    await enter(client, path, code)
    await office.background.drain()
    assert "already" in office.slack.view["blocks"][0]["text"]["text"]

    await alice.submit(name="harbor-other")
    saved = await registries.show(office.deps, ALICE, "harbor-other")
    assert saved.verdict is Verdict.PROVEN
    assert checker_of(office.deps).seen[-1].secrets["password"].reveal() == PASSWORD


@pytest.mark.parametrize("saved_before", [False, True], ids=["before the test", "after saving"])
async def test_a_window_whose_process_died_goes_on(
    office: Office, alice: Person, desk: Desk, saved_before: bool
) -> None:
    """The next process tries what was entered, and says what became of it, once."""
    path, code = await ask(office, alice)
    link = path.rpartition("/")[2]
    found = await secret_asks.prove(office.deps, link, code)
    secrets = {"password": Secret(PASSWORD)}
    draft_id = await secret_asks.fill(office.deps, desk.rotators, ALICE, link, found, secrets)
    if saved_before:
        await drafts.try_draft(office.deps, ALICE, draft_id)
    assert "Open the page" in str(office.slack.view["blocks"])
    clock_of(office.deps).skip(secret_asks.OVERDUE)

    assert await follow_left(desk) == 1
    await office.background.drain()
    assert "Proven and saved" in str(office.slack.view["blocks"])
    clock_of(office.deps).skip(secret_asks.OVERDUE)
    assert await follow_left(desk) == 0


async def test_what_an_earlier_version_took_is_left_alone(
    office: Office, alice: Person, desk: Desk
) -> None:
    """It noted no draft, and its window went on by itself."""
    await ask(office, alice)
    now = clock_of(office.deps).now()
    async with office.deps.store.transaction() as session:
        await session.exec(update(SecretAsk).values(taken_at=now))
    before = office.slack.view["blocks"]
    clock_of(office.deps).skip(secret_asks.OVERDUE)
    await follow_left(desk)
    await office.background.drain()

    assert office.slack.view["blocks"] == before
    clock_of(office.deps).skip(secret_asks.OVERDUE)
    assert await follow_left(desk) == 0


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_person_enters_it_in_a_browser(
    office: Office, alice: Person, client: Client, width: int, tmp_path: Path
) -> None:
    """By keyboard alone, on a phone's width and a desk's, with nothing to scroll sideways."""
    path, code = await ask(office, alice)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = await browser.new_page(viewport={"width": width, "height": 800})
        await page.goto(str(client.make_url(path)))
        await expect(page.get_by_label("Code")).to_be_focused()
        await page.keyboard.type(code)
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.keyboard.type(PASSWORD)
        await expect(page.get_by_label("Password")).to_have_attribute("type", "password")
        await page.screenshot(path=tmp_path / f"page{width}.png")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading")).to_have_text("Entered")
        await browser.close()
    await office.background.drain()

    assert wide <= width
    assert "Proven and saved" in str(office.slack.view["blocks"])


async def key_page(office: Office, alice: Person) -> tuple[str, str]:
    """The page of a kind whose secret is a key file."""
    await alice.type("add gcp")
    alice.fill("url", "https://europe-west1-docker.pkg.dev")
    alice.fill("region", "europe-west1")
    alice.fill("path_scope", "team-project/images")
    await alice.press(ids.OUTSIDE, inside="modal")
    return shown(office)


async def send_file(client: Client, path: str, code: str, body: bytes, **typed: str) -> str:
    form = FormData(default_to_multipart=True)
    for name, value in {"code": code, **typed}.items():
        form.add_field(name, value)
    form.add_field(f"{KEY}-file", body, filename="key.json")
    answer = await client.post(path, data=form)
    return await answer.text()


@pytest.mark.parametrize(
    ("body", "typed", "said"),
    [
        (b"{}", {}, "its &quot;type&quot; must be &quot;service_account&quot;"),
        (b"\xef\xbb\xbf{}", {}, "its &quot;type&quot; must be &quot;service_account&quot;"),
        (b"", {}, "This file is empty"),
        (b"\x89PNG\xff", {}, "not a text file"),
        (b"{}", {"service_account_json": "{}"}, "not both"),
    ],
    ids=["no key", "a mark before it", "empty", "no text", "typed as well"],
)
async def test_what_is_wrong_with_a_file_stands_on_it(
    office: Office, alice: Person, client: Client, body: bytes, typed: dict[str, str], said: str
) -> None:
    """The sentence names it, the code need not be typed again, and the link is still good."""
    path, code = await key_page(office, alice)
    text = await send_file(client, path, code, body, **typed)

    told = re.search(f'id="{KEY}-file-wrong" role="alert">([^<]*)<', text)
    assert told
    assert said in told[1]
    assert f'value="{code}"' in text
    assert (await client.get(path)).status == 200


async def test_a_file_that_is_no_key_file_by_far_is_refused(
    office: Office, alice: Person, client: Client
) -> None:
    """The form comes again with what is wrong above it."""
    path, code = await key_page(office, alice)
    text = await send_file(client, path, code, b"x" * (BODY_MOST + 1))

    assert "more than 128 KiB" in text
    assert f'name="{KEY}-file" type="file"' in text


async def test_a_key_is_dropped_in_a_browser_without_script(
    office: Office, alice: Person, client: Client, tmp_path: Path
) -> None:
    """The field takes the file by itself; far too large a file gets its sentence, not an error."""
    path, code = await key_page(office, alice)
    small, large = tmp_path / "key.json", tmp_path / "film.json"
    small.write_text("{}")
    large.write_bytes(b"x" * 20_000_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = await browser.new_context(
            viewport={"width": 360, "height": 740}, java_script_enabled=False
        )
        page = await context.new_page()
        await page.goto(str(client.make_url(path)))
        await page.get_by_label("Code").fill(code)
        await drop(page, page.get_by_label("as a file"), large)
        await page.get_by_role("button").last.click()
        await expect(page.get_by_role("alert")).to_contain_text("more than 128 KiB")
        await page.get_by_label("Code").fill(code)
        await drop(page, page.get_by_label("as a file"), small)
        await page.get_by_role("button").last.click()
        await expect(page.get_by_role("alert")).to_contain_text("service-account key")
        await expect(page.get_by_label("Code")).to_have_value(code)
        await browser.close()


async def drop(page: Page, place: Locator, file: Path) -> None:
    """As the file manager of a desktop does it."""
    box = await place.bounding_box()
    assert box
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send(
            "Input.dispatchDragEvent",
            {"type": kind, "x": box["x"] + 60, "y": box["y"] + 20, "data": data},
        )


async def test_a_key_file_may_be_longer_than_slack_takes(
    office: Office, alice: Person, client: Client
) -> None:
    """The page is where such a one goes."""
    path, code = await key_page(office, alice)
    text = await send_file(client, path, code, service_account(note="x" * 4000).encode())

    assert "Registrar has it" in text
