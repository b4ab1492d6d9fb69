"""`warpsmith coverage`: how much of the installed Warp the op table covers."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from harness.sandbox import Sandbox
from strategies.ops import ATOMICS, OPS


def read_registry() -> tuple[str, dict[str, str]]:
    """The version of the installed Warp, and the documentation group of each of its built-ins, by name.

    Raises `SandboxError` if there is none.
    """
    with Sandbox() as sandbox:
        return sandbox.versions.warp, dict(sandbox.versions.builtins)


def coverage() -> int:
    """Compare the op table with the built-ins of the installed Warp, by group of Warp's documentation."""
    version, registry = read_registry()
    covered = {row.spelling_of or row.name for row in OPS.values()} | set(ATOMICS)
    table = Table(title=f"Built-ins of Warp {version}")
    table.add_column("group")
    table.add_column("in Warp", justify="right")
    table.add_column("covered", justify="right")
    table.add_column("not covered")
    for group, total in sorted(Counter(registry.values()).items()):
        names = {name for name, of in registry.items() if of == group}
        missing = sorted(names - covered)
        table.add_row(group, f"{total}", f"{total - len(missing)}", ", ".join(missing))
    table.add_section()
    table.add_row("all", f"{len(registry)}", f"{len(covered & registry.keys())}", "")
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table)
    for name in sorted(covered - registry.keys()):
        console.print(f"{name} is in the op table and not in Warp {version}")
    return 0
