"""The lines of a generated function that a reduced failure points at.

Reducing leaves a program in which every construct is needed for the failure.  The lines that Warp generated for
those constructs are where a reader looks first; the others load, store and copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from harness.triage import suspected
from harness.verdict import Failure, FailureKind
from strategies.language.nodes import Apply, Atomic, If, Node, Program, Statement, children, walk
from strategies.language.render import statements as rendered

#: Warp quotes the Python line in front of the code for it; in the backward pass, behind it, after ``adj:``.
_QUOTE: Final = re.compile(r"^\s*// (adj: )?(.*?)\s*(?:<L \d+>)?$")
_ADJOINT: Final = re.compile(r"\badj_\w+\(")
#: Code that only moves values, and what is no code.
_PLUMBING: Final = re.compile(r"^\s*(?:(?:\w+ = )?wp::(?:adj_)?(?:address|load)\(|adj_\w+ = \{\};|[{}]?$|[\w:]+;$|//)")
#: A quoted line of code shorter than this proves nothing.
_LEAST_QUOTE: Final = 12


def suspects(program: Program, failure: Failure, code: Sequence[str]) -> frozenset[int]:
    """The numbers of the lines of `code`, a generated function, that stem from what is suspected.

    Of code that does not compile they are the lines that the compiler quotes.
    """
    if failure.kind is FailureKind.BUILD_ERROR:
        quoted = {line.split("|", 1)[-1].strip() for line in failure.message.splitlines()}
        return frozenset(
            n for n, line in enumerate(code) if len(line.strip()) >= _LEAST_QUOTE and line.strip() in quoted
        )
    origins = _origins(code)
    found: set[int] = set()
    for head, nodes in _suspected_statements(program):
        own = [n for n, origin in enumerate(origins) if origin == head and not _PLUMBING.match(code[n])]
        for node in nodes:
            calls = [n for n in own if _calls(node, code[n])]
            found.update(calls or own)
    return frozenset(found)


def _calls(node: Node, line: str) -> bool:
    return isinstance(node, Apply | Atomic) and re.search(rf"\b(?:adj_)?{node.op}\(", line) is not None


def _origins(code: Sequence[str]) -> list[str | None]:
    """The Python line that each line of code was generated for, as far as the comments tell."""
    origins: list[str | None] = [None] * len(code)
    above: str | None = None
    since: list[int] = []
    for n, line in enumerate(code):
        quote = _QUOTE.match(line)
        if quote is None:
            origins[n] = above
            since.append(n)
            continue
        if quote.group(1):
            for earlier in since:
                if above is None or _ADJOINT.search(code[earlier]):
                    origins[earlier] = quote.group(2)
        above = None if quote.group(1) else quote.group(2)
        since = []
    return origins


def _suspected_statements(program: Program) -> Iterator[tuple[str, list[Node]]]:
    """The first line of each statement that holds something suspected, with what that is."""
    wanted = {id(node) for node in suspected(program)}
    for statement, head in _heads(program):
        nodes = [node for node in _own(statement) if id(node) in wanted]
        if nodes:
            yield head, nodes


def _own(statement: Statement) -> Iterator[Node]:
    """A statement and the expressions that stand in its first line."""
    yield statement
    for part in children(statement):
        if not isinstance(part, Statement):
            yield from walk(part)


def _heads(node: Node) -> Iterator[tuple[Statement, str]]:
    """Every statement below a node, with its first line."""
    for part in children(node):
        if isinstance(part, Statement):
            chained = isinstance(node, If) and node.orelse == (part,) and isinstance(part, If)
            yield part, ("el" if chained else "") + next(rendered((part,)))
        yield from _heads(part)
