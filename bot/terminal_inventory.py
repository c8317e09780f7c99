"""`registrar inventory`: what a cluster runs, told to Registrar from inside of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from bot.core.secret import Secret
from bot.errors import InventoryFailed
from bot.inventory.look import open_cluster
from bot.inventory.send import Registrar, Summary


async def send_inventory(url: str, cluster: str, token: Secret, context: str) -> None:
    """Look at everything, then send it; prints one line."""
    registrar = Registrar(url, cluster, token)
    async with open_cluster(context) as api:
        await registrar.begin()
        seen = await api.look()
    sys.stdout.write(f"{line_of(await registrar.send(seen))}\n")


def line_of(summary: Summary) -> str:
    """What was told, in one line."""
    parts = [f"{summary.workloads:,} workloads", f"{summary.images:,} images"]
    parts.append(f"{summary.uncovered:,} of no registered registry")
    if summary.unreadable:
        parts.append(f"{summary.unreadable:,} that cannot be read")
    return f"inventory sent: {', '.join(parts)}"


def token_from(environment: Mapping[str, str]) -> Secret:
    """REGISTRAR_TOKEN, or what the file named by REGISTRAR_TOKEN_FILE holds."""
    found, name = environment.get("REGISTRAR_TOKEN", ""), environment.get("REGISTRAR_TOKEN_FILE")
    if name:
        try:
            found = Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InventoryFailed("The file of REGISTRAR_TOKEN_FILE cannot be read.") from error
    if not found.strip():
        raise InventoryFailed(
            "Set REGISTRAR_TOKEN, or REGISTRAR_TOKEN_FILE, to the cluster's token."
        )
    return Secret(found.strip())
