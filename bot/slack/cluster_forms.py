"""The forms that add a cluster and delete one."""

from __future__ import annotations

from typing import Any

from bot.core.cluster import ClusterView, Mode
from bot.core.name import LONGEST
from bot.core.registry import Environment
from bot.slack import ids
from bot.slack.blocks import choice, input_block, modal, option, section, text_input
from bot.slack.cluster_line import ClusterLine
from bot.slack.metadata import ViewMeta
from bot.slack.render_cluster import EFFECTS, MODES
from bot.slack.text import code, sentence
from bot.slack.words import ENVIRONMENTS


def add_form(line: ClusterLine, channel: str, wrong: str = "") -> dict[str, Any]:
    """What is asked of a new cluster, with what was typed already and what is wrong with it."""
    environments = [option(label, one) for one, label in ENVIRONMENTS.items()]
    modes = [option(f"{MODES[one]}: {EFFECTS[one]}", one) for one in Mode]
    lead = [section(sentence(wrong))] if wrong else []
    blocks = [
        *lead,
        input_block(
            ids.field_block("name"),
            "Name",
            text_input(initial=line.name, placeholder="prod-eu", limit=100),
            hint=f"Lower-case letters, digits and dashes, at most {LONGEST}.",
        ),
        input_block(
            ids.field_block("environment"),
            "Environment",
            choice(
                "static_select", ids.TYPED, environments, line.environment or Environment.ANY.value
            ),
            hint="Registries marked with it, or with any, serve the cluster.",
        ),
        input_block(
            ids.field_block("mode"),
            "Mode",
            choice("static_select", ids.TYPED, modes, line.mode or Mode.AUDIT.value),
            hint="Audit first: it refuses nothing and shows what enforcing would.",
        ),
    ]
    return modal(
        "Add a cluster",
        blocks,
        callback_id=ids.CLUSTER_FORM,
        metadata=ViewMeta(channel).dump(),
        submit="Add",
        close="Cancel",
    )


def delete_form(cluster: ClusterView, channel: str) -> dict[str, Any]:
    """Says what stops, and asks for the name."""
    lines = (
        f"*{code(cluster.name)}* · its tokens end at once: it gets no pull secret any more, and "
        "what it runs is not reported. What runs there goes on."
    )
    blocks = [
        section(lines),
        input_block(
            ids.field_block("typed_name"),
            f"Type its name to delete it: {cluster.name}",
            text_input(placeholder=cluster.name, limit=100),
        ),
    ]
    return modal(
        "Delete a cluster",
        blocks,
        callback_id=ids.CLUSTER_DELETE_FORM,
        metadata=ViewMeta(channel, editing=cluster.name).dump(),
        submit="Delete",
        close="Cancel",
    )
