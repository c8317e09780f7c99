from collections.abc import Sequence

from bot.kinds.control import reached
from bot.kinds.net import Address, AllowList, Egress
from bot.sandbox.practice import Practice


class Nowhere:
    """A resolver of a machine whose network is gone."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        raise OSError("no network")


async def test_hosts_that_answer_are_counted() -> None:
    """A 401 is an answer; a host that does not exist is none."""
    practice = await Practice.start()
    egress = Egress(allow=AllowList.parse(""), ca_file=practice.ca_file, resolver=practice.resolver)

    assert await reached(egress, ["ghcr.io", "public.ecr.aws", "nowhere.example.com"]) == 2

    assert practice.received == frozenset()
    await egress.close()
    await practice.close()


async def test_without_a_network_none_is_reached() -> None:
    """A failing look-up is silence, not an error."""
    egress = Egress(allow=AllowList.parse(""), resolver=Nowhere())

    assert await reached(egress, ["one.example.com", "two.example.com"]) == 0
    await egress.close()
