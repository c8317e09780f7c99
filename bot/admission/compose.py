"""The images of a Compose file.

Source: compose-spec, "services". Without `image` a service is built, so nothing is pulled for it.
"""

from __future__ import annotations

from typing import Any

from bot.admission.workload import Found


def is_compose(value: Any) -> bool:
    """Whether a document is a Compose file: services, and not an object of Kubernetes."""
    if not isinstance(value, dict) or "apiVersion" in value or "kind" in value:
        return False
    services = value.get("services")
    return isinstance(services, dict) and all(
        isinstance(one, dict) or one is None for one in services.values()
    )


def images(value: dict[str, Any]) -> list[Found]:
    """What the services run, in their order; `${VAR}` is left as it stands."""
    return [
        Found(f"services.{name}.image", one["image"])
        for name, one in value["services"].items()
        if isinstance(one, dict) and isinstance(one.get("image"), str)
    ]
