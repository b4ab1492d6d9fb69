"""What may be tried in the place of a program that fails."""

from __future__ import annotations

from collections.abc import Iterator

from harness.shrink.candidates import dressed, ordered, renamed, structural
from strategies.language.nodes import Program


def candidates(program: Program) -> Iterator[Program]:
    """All programs that the reducer may try in the place of `program`: structure first, then the dress, then names."""
    yield from ordered(program, structural(program))
    yield from ordered(program, dressed(program))
    yield from renamed(program)
