import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.core.secret import Secret
from bot.logs import configure_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs as production writes them, into a string; the loggers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("DEBUG", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "github_pat_11AAAAAAA0123456789abcdef",
        "glpat-abcdefghij0123456789",
        "dckr_pat_abcdefghijklmnop0123456789",
        "xoxb-123456789012-abcdefghijkl",
        "AKIAIOSFODNN7EXAMPLE",
        "rgct_abcdefghij0123456789-_ABCDEFGHIJabcdefghijk",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    ],
)
def test_a_known_shape_of_secret_is_masked_wherever_it_stands(
    stream: io.StringIO, text: str
) -> None:
    """Tokens and keys with a vendor's shape are masked in messages, values and nested values."""
    log = structlog.get_logger("test")
    log.info(text, detail={"deep": [text]})
    logging.getLogger("library").warning("answer was %s", text)

    assert text not in stream.getvalue()
    assert text.splitlines()[-1] not in stream.getvalue()


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "secret_access_key", "PRIVATE-TOKEN", "response_url"]
)
def test_a_value_with_a_secret_name_is_masked(stream: io.StringIO, name: str) -> None:
    """What goes by the name of a secret is masked whatever it looks like."""
    structlog.get_logger("test").info("call", headers={name: "hunter2-hunter2"}, **{name: "plain"})

    line = json.loads(stream.getvalue())
    assert line["headers"] == {name: "***"}
    assert line[name] == "***"


@pytest.mark.parametrize("name", ["slack_bolt.AsyncApp", "slack_sdk.web", "aiosqlite"])
def test_what_libraries_say_at_debug_is_not_written(stream: io.StringIO, name: str) -> None:
    """They log whole requests at DEBUG, and Bolt sets its loggers' levels by itself."""
    library = logging.getLogger(name)
    level = library.level
    library.setLevel(logging.DEBUG)
    library.debug("body: typed by a person")
    library.info("connected")
    library.setLevel(level)

    assert "typed" not in stream.getvalue()
    assert "connected" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://user:pa55word@host/v2/", "host/v2/"),
        ("https://auth.example/token?service=x&token=abcdef", "service=x"),
        ("Authorization: Basic dXNlcjpzZWNyZXQ=", "Authorization"),
        ("https://registrar.example.com/secret/token-abcdef", "example.com/secret/"),
    ],
)
def test_urls_and_headers_lose_only_their_secret_part(
    stream: io.StringIO, text: str, kept: str
) -> None:
    """The rest of the line stays useful."""
    structlog.get_logger("test").info(text)

    written = stream.getvalue()
    assert kept in written
    assert not any(word in written for word in ("pa55word", "abcdef", "dXNlcjpzZWNyZXQ="))


def test_an_exception_is_logged_without_its_secret(stream: io.StringIO) -> None:
    """Tracebacks are redacted like everything else."""
    try:
        raise RuntimeError(
            "sent ghp_0123456789abcdefghijABCDEFGHIJ012345", Secret("s3cret-value-1")
        )
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    last = json.loads(stream.getvalue())["exception"].splitlines()[-1]
    assert last == "RuntimeError: ('sent ***', ***)"
