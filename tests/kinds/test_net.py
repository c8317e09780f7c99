"""Egress against servers, names and addresses that mean harm."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Sequence

import httpx
import pytest

from bot.core.check import Cause
from bot.errors import EgressError
from bot.kinds.net import SMALL, Address, AllowList, Egress, SystemResolver
from tests.kinds.wire import Asked, Names, always, answer, egress_for, serve


async def refusal(egress: Egress, url: str) -> EgressError:
    """The error that asking for `url` ends with."""
    with pytest.raises(EgressError) as caught:
        await egress.send("GET", url)
    await egress.close()
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/v2/",
        "https://[::1]/v2/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://localhost/",
        "https://registry/",
        "http://registry.example.com/",
        "https://user:pw@registry.example.com/",
        "ftp://registry.example.com/",
    ],
)
async def test_forbidden_address_is_not_even_looked_up(url: str) -> None:
    """Literal addresses skip the resolver in the client below, so they are judged before it."""
    names = Names([Address("1.1.1.1", 443)])

    error = await refusal(Egress(allow=AllowList(), resolver=names), url)

    assert error.cause is Cause.BLOCKED_HOST
    assert names.asked == 0


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "not an address"]
)
async def test_public_name_that_leads_inside_is_refused(ip: str) -> None:
    """`1.2.3.4.nip.io` and internal names look public; only their addresses tell."""
    names = Names([Address(ip, 443)])

    error = await refusal(Egress(allow=AllowList(), resolver=names), "https://r.example.com/v2/")

    assert error.cause is Cause.BLOCKED_HOST
    assert ip not in str(error)


async def test_one_bad_address_among_good_ones_condemns_the_name() -> None:
    """Which address is used is up to the connection, so all must be good."""
    names = Names([Address("1.1.1.1", 443), Address("10.0.0.1", 443)])

    error = await refusal(Egress(allow=AllowList(), resolver=names), "https://r.example.com/v2/")

    assert error.cause is Cause.BLOCKED_HOST


async def test_second_look_up_that_turns_private_is_refused() -> None:
    """DNS rebinding: every new connection is judged by the answer it will really use."""
    async with serve(always(answer(200, "{}", [("Connection", "close")]))) as wire:
        names = Names(
            [Address("127.0.0.1", wire.port, trusted=True)], [Address("127.0.0.1", wire.port)]
        )
        egress = Egress(allow=AllowList.parse("http://r.example.com:80"), resolver=names)
        allowed = await egress.send("GET", "http://r.example.com/v2/")
        egress.allow = AllowList()
        rebound = Egress(allow=AllowList(plain=frozenset({("r.example.com", 80)})), resolver=names)
        error = await refusal(rebound, "http://r.example.com/v2/")
        await egress.close()

    assert allowed.status_code == 200
    assert error.cause is Cause.BLOCKED_HOST
    assert len(wire.asked) == 1


async def test_name_is_kept_as_host_while_the_connection_goes_elsewhere() -> None:
    """The address is pinned, the `Host` header stays the name that was asked for."""
    async with serve(always(answer(200))) as wire:
        names = Names([Address("127.0.0.1", wire.port, trusted=True)])
        egress = Egress(allow=AllowList.parse("http://r.example.com:80"), resolver=names)
        await egress.send("GET", "http://r.example.com/v2/")
        await egress.close()

    assert wire.asked[0].headers["host"] == "r.example.com"


@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "r.xn--e1afmkfd.xn--p1ai"])
async def test_name_in_other_letters_is_reached(host: str) -> None:
    """Punycode is how such a name is written in a form, in DNS and in the operator's list."""
    async with serve(always(answer(200))) as wire:
        names = Names([Address("127.0.0.1", wire.port, trusted=True)])
        egress = Egress(allow=AllowList.parse(f"http://{host}:80"), resolver=names)
        found = await egress.send("GET", f"http://{host}/v2/")
        await egress.close()

    assert found.status_code == 200
    assert wire.asked[0].headers["host"] == host


async def test_unknown_name_says_so() -> None:
    """Both ways a resolver may say that there is no such name."""

    class Nowhere:
        async def resolve(self, host: str, port: int) -> Sequence[Address]:
            raise socket.gaierror(socket.EAI_NONAME, "no")

    first = await refusal(Egress(allow=AllowList(), resolver=Nowhere()), "https://r.example.com/")
    second = await refusal(Egress(allow=AllowList(), resolver=Names([])), "https://r.example.com/")

    assert (first.cause, second.cause) == (Cause.HOST_NOT_FOUND, Cause.HOST_NOT_FOUND)


async def test_system_resolver_looks_up_in_its_own_threads() -> None:
    """It knows this machine, without asking anybody."""
    resolver = SystemResolver()

    found = await resolver.resolve("localhost", 80)
    resolver.close()

    assert {address.ip for address in found} <= {"127.0.0.1", "::1"}
    assert found


async def test_ten_gigabytes_are_not_read() -> None:
    """A body beyond the cap is dropped with its connection, whatever length it claims or not."""
    sent = 0

    async def flood(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if asked.path == "/claims":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        block = b"x" * 65536
        while sent < 10_000_000_000:
            writer.write(block)
            sent += len(block)
            await writer.drain()

    async with serve(flood) as wire, egress_for(wire) as egress:
        claimed = await egress.send("GET", f"{wire.url}/claims")
        endless = await egress.send("GET", f"{wire.url}/endless")

    assert claimed.content == endless.content == b""
    assert claimed.extensions["truncated"]
    assert endless.extensions["truncated"]
    assert sent < 100_000_000  # what the sockets' buffers took


async def test_body_of_just_the_limit_is_read() -> None:
    """The cap is what may be read, not one byte less."""
    async with serve(always(answer(200, b"x" * SMALL))) as wire, egress_for(wire) as egress:
        whole = await egress.send("GET", wire.url)

    assert len(whole.content) == SMALL
    assert not whole.extensions["truncated"]


@pytest.mark.parametrize("length", [2, 10_000_000])
async def test_length_beside_chunks_does_not_lift_the_limit(length: int) -> None:
    """Two statements about one body are how bodies are smuggled; the cap holds whoever is right."""
    chunks = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serve(always(head.encode() + chunks * 4)) as wire, egress_for(wire) as egress:
        try:
            body = (await egress.send("GET", wire.url)).content
        except EgressError:
            body = b""

    assert len(body) <= SMALL


async def test_answer_does_not_keep_the_secret_of_its_request() -> None:
    """Answers live on in tracebacks and caches; what was asked is known, with what is not."""
    async with serve(always(answer(200, "{}"))) as wire, egress_for(wire) as egress:
        told = await egress.send("GET", f"{wire.url}/v2/", {"Authorization": "Bearer the-token"})

    assert wire.asked[0].headers["authorization"] == "Bearer the-token"
    assert (told.request.method, str(told.request.url)) == ("GET", f"{wire.url}/v2/")
    assert not told.request.headers


async def test_http_client_can_use_it_as_its_transport() -> None:
    """Libraries that want an `httpx.AsyncClient` go out through the same door."""
    async with (
        serve(always(answer(200, '{"name": "æ"}'))) as wire,
        httpx.AsyncClient(transport=Egress(allow=wire.allow)) as client,
    ):
        told = await client.post(wire.url, json={"ask": 1})

    assert told.json() == {"name": "æ"}
    assert told.text == '{"name": "æ"}'
    assert wire.asked[0].body == b'{"ask":1}'
    assert wire.asked[0].headers["content-type"] == "application/json"


async def test_dripping_server_is_left_by_the_total_time() -> None:
    """A byte now and then resets every read timeout; the total time does not care."""

    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    async with serve(drip) as wire, egress_for(wire) as egress:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await egress.send("GET", wire.url)

    assert time.monotonic() - began < 2


async def test_gzip_bomb_is_not_unpacked() -> None:
    """No compression was asked for, so a compressed answer is refused unread."""
    bomb = gzip.compress(b"0" * 10_000_000)
    headers = [("Content-Encoding", "gzip")]
    async with serve(always(answer(200, bomb, headers))) as wire, egress_for(wire) as egress:
        with pytest.raises(EgressError) as caught:
            await egress.send("GET", wire.url)

    assert caught.value.cause is Cause.REGISTRY_ERROR
    assert wire.asked[0].headers["accept-encoding"] == "identity"


async def test_redirect_is_handed_back_not_followed() -> None:
    """Where a redirect leads is for the caller to judge."""
    location = [("Location", "http://169.254.169.254/latest/meta-data/")]
    async with serve(always(answer(302, "", location))) as wire, egress_for(wire) as egress:
        redirect = await egress.send("GET", wire.url, {"Authorization": "Basic secret"})

    assert redirect.status_code == 302
    assert len(wire.asked) == 1


async def test_cookies_are_not_kept() -> None:
    """Two checks of one host must not share anything a server set."""
    cookie = [("Set-Cookie", "session=abc; Path=/")]
    async with serve(always(answer(200, "", cookie))) as wire, egress_for(wire) as egress:
        await egress.send("GET", wire.url)
        await egress.send("GET", wire.url)

    assert "cookie" not in wire.asked[1].headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_stale_connection_is_tried_again_once(method: str) -> None:
    """A server may close a kept connection just as we write; that is not its answer."""

    async def close_second(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.number == 1:
            writer.close()
        else:
            writer.write(answer(200, "{}"))

    async with serve(close_second) as wire, egress_for(wire) as egress:
        await egress.send("GET", wire.url)
        again = await egress.send(method, wire.url, {}, b"x" if method == "POST" else None)

    assert again.status_code == 200
    assert wire.connections == 2


async def test_what_must_not_happen_twice_is_not_sent_again() -> None:
    """Whoever hung up may have done it first: a credential made twice is one nobody knows."""

    async def close_second(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.number == 1:
            writer.close()
        else:
            writer.write(answer(200, "{}"))

    async with serve(close_second) as wire, egress_for(wire) as egress:
        await egress.send("GET", wire.url)
        with pytest.raises(EgressError, match="without an answer"):
            await egress.send("POST", wire.url, {}, b"x", once=True)

    assert len(wire.asked) == 2


async def test_server_that_only_hangs_up_is_reported() -> None:
    """One more try, then it is what it is."""

    async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serve(hang_up) as wire, egress_for(wire) as egress:
        with pytest.raises(EgressError) as caught:
            await egress.send("GET", wire.url)

    assert caught.value.cause is Cause.CONNECT_FAILED


@pytest.mark.parametrize(
    "noise",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
    ],
)
async def test_answer_that_is_not_http_is_reported(noise: bytes) -> None:
    """Another protocol on the port, or a broken one."""

    async def shout(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        writer.close()

    async with serve(shout) as wire, egress_for(wire) as egress:
        with pytest.raises(EgressError) as caught:
            await egress.send("GET", wire.url)

    assert caught.value.cause in {Cause.NOT_A_REGISTRY, Cause.CONNECT_FAILED}


async def test_broken_off_answer_is_reported() -> None:
    """Half a body is no body."""

    async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with serve(half) as wire, egress_for(wire) as egress:
        with pytest.raises(EgressError) as caught:
            await egress.send("GET", wire.url)

    assert caught.value.cause is Cause.CONNECT_FAILED


async def test_refused_connection_is_reported() -> None:
    """Nothing listens there."""
    async with serve(always(answer(200))) as wire:
        pass

    error = await refusal(Egress(allow=wire.allow), wire.url)

    assert error.cause is Cause.CONNECT_FAILED


async def test_tls_asked_of_a_plain_server_says_so() -> None:
    """The commonest wrong port."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(400, "what is this"))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        names = Names([Address("127.0.0.1", port, trusted=True)])
        error = await refusal(
            Egress(allow=AllowList(), resolver=names), "https://registry.example.com/v2/"
        )

    assert error.cause is Cause.TLS_FAILURE
    assert "does not speak TLS" in str(error)


async def test_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a credential goes is not up to variables of the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serve(always(answer(200))) as wire, egress_for(wire) as egress:
        reached = await egress.send("GET", wire.url)

    assert reached.status_code == 200


@pytest.mark.parametrize("token", ["glpat-é-secret", "glpat-\r\nX-Evil: secret", "secret\0"])
async def test_header_that_cannot_be_sent_is_not_repeated_in_the_error(token: str) -> None:
    """A token with an accent or a line break in it; a library's error would quote it."""
    egress = Egress(allow=AllowList())
    with pytest.raises(EgressError) as caught:
        await egress.send("GET", "https://r.example.com/", {"PRIVATE-TOKEN": token})
    await egress.close()

    assert caught.value.cause is Cause.MALFORMED
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)
