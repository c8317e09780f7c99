"""A reference in the sandbox: typed, shown, and followed to the next password."""

from __future__ import annotations

from bot.sandbox.slackd.person import ADMIN
from tests.e2e.running import Running


async def test_a_visitor_tries_a_reference(sandbox: Running) -> None:
    """Proven by the variable's value, refused for another host, and as good after a change."""
    async with sandbox.person(ADMIN) as ada:
        await ada.type("/registry add generic")
        await ada.wait_for("Add a registry")
        await ada.fill("Registry URL", "https://harbor.practice.example")
        await ada.fill("Username", "deploy")
        await ada.fill("Password", "env:REG_PRACTICE")
        await ada.fill("Name", "by-reference")
        [sentence] = (await ada.submit()).values()
        assert "may not be used for harbor.practice.example" in sentence

        await ada.fill("Registry URL", "https://registry.practice.example")
        assert await ada.submit() == {}
        await ada.wait_for("Proven and saved")
        await ada.close(everything=True)

        await ada.type("/registry show by-reference")
        await ada.wait_for("secret from")
        assert "env:REG_PRACTICE" in await ada.read()

        registries = (await ada.state())["practice"]["registries"]
        [old] = next(one["credentials"] for one in registries if one["slug"] == "generic")
        await ada.do("make_credential", slug="generic")
        await ada.do("remove_credential", slug="generic", handle=old["handle"])
        await ada.do("skip", seconds=3600)
        await ada.type("/registry history by-reference")
        await ada.wait_for("100 %")
