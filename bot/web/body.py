"""What machines send: JSON, read with a sentence for whatever is wrong with it."""

from __future__ import annotations

import json

from aiohttp import web

from bot.errors import InvalidInput


async def json_of(request: web.Request) -> object:
    """The body as JSON; InvalidInput when it is not, or too large."""
    try:
        text = (await request.read()).decode("utf-8")
        found: object = json.loads(text)
    except web.HTTPRequestEntityTooLarge as error:
        size = f"{request.client_max_size // 1024:,} kB"
        raise InvalidInput({"body": f"The body is larger than {size}. Send less."}) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput({"body": "The body must be JSON in UTF-8."}) from error
    return found
