"""The README's tables are the code's: what is undocumented, or documented and gone, fails here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from click import Group

from bot.__main__ import main
from bot.kinds.registry_kinds import KINDS
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """One row a setting, from its field."""
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default not in {None, ""} else ""
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def kinds_table() -> str:
    """One row a kind; secret fields in bold."""
    rows = ["| kind | sign in with | fields (secret in bold) |", "|---|---|---|"]
    for kind in KINDS.values():
        variants = " / ".join(variant.label for variant in kind.variants)
        fields = " / ".join(
            ", ".join(f"**{field.label}**" if field.secret else field.label for field in one.fields)
            or "nothing"
            for one in kind.variants
        )
        rows.append(f"| {kind.label} (`{kind.slug}`) | {variants} | {fields} |")
    return "\n".join(rows)


@pytest.mark.parametrize("table", [settings_table, kinds_table])
def test_the_tables_are_the_codes(table: object) -> None:
    """Every setting and kind stands in the README as it is in the code."""
    assert table() in README  # type: ignore[operator]


def test_every_verb_is_named() -> None:
    """A verb that nobody can find is not there."""
    assert isinstance(main, Group)
    missing = [name for name in main.commands if f"registrar {name}" not in README]
    assert missing == []


def test_every_file_it_names_exists() -> None:
    """Pictures and links lead somewhere."""
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert linked
    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_every_test_states_a_fact() -> None:
    """A test's docstring says in a sentence what holds."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []
