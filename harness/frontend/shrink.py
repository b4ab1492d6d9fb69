"""Making a text small that Warp did not take as it should: fewer definitions, statements, and smaller expressions."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias

from harness.frontend.edits import bodies, slots
from harness.frontend.harmless import parsed
from harness.frontend.judge import Rejection, judge
from harness.frontend.texts import ENTRY
from harness.sandbox import Sandbox

#: Candidates that are tried while one failure is made small, and seconds on the clock.
CANDIDATES: Final = 400
SECONDS: Final = 30.0

#: What a change takes away, in nodes, and the change, made to a copy.
_Change: TypeAlias = tuple[int, Callable[[ast.Module], None]]


def shrink(found: Rejection, sandbox: Sandbox) -> Rejection:
    """A smaller text of the same bucket."""
    deadline = time.monotonic() + SECONDS
    seen = {found.source}
    position = 0
    while True:
        for number, text in smaller_texts(found.source, position):
            if text in seen:
                continue
            if len(seen) > CANDIDATES or time.monotonic() > deadline:
                return found
            seen.add(text)
            again = judge(text, sandbox)
            if again is not None and again.bucket == found.bucket:
                # What was too much to take away before is too much still, mostly.
                found, position = again, number
                break
        else:
            return found


def smaller_texts(source: str, first: int = 0) -> Iterator[tuple[int, str]]:
    """Texts of fewer nodes than `source` has, with their numbers: those first that lose most, from number `first` on,
    and around."""
    base = ast.parse(source)
    size = _nodes(base)
    changes = sorted(_changes(base), key=lambda change: -change[0])
    numbers = range(len(changes))
    for number in (*numbers[first:], *numbers[:first]):
        tree = copy.deepcopy(base)
        changes[number][1](tree)
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        left = parsed(text)
        if left is not None and _nodes(left) < size:
            yield number, text


def _nodes(tree: ast.AST | None) -> int:
    return 0 if tree is None else sum(1 for _ in ast.walk(tree))


def _changes(base: ast.Module) -> Iterator[_Change]:
    for n, definition in enumerate(base.body):
        if not isinstance(definition, ast.Import) and getattr(definition, "name", "") != ENTRY:
            yield _nodes(definition), partial(_without, n)
        if isinstance(definition, ast.FunctionDef):
            yield from _of_head(definition, n)
            yield from _of_statements(definition, n)
            yield from _of_expressions(definition, n)
        elif isinstance(definition, ast.ClassDef) and len(definition.body) > 1:
            for k, field in enumerate(definition.body):
                yield _nodes(field), partial(_without_field, n, k)


def _without(n: int, tree: ast.Module) -> None:
    del tree.body[n]


def _without_field(n: int, k: int, tree: ast.Module) -> None:
    definition = tree.body[n]
    assert isinstance(definition, ast.ClassDef)
    del definition.body[k]


def _function(tree: ast.Module, number: int) -> ast.FunctionDef:
    found = tree.body[number]
    assert isinstance(found, ast.FunctionDef)
    return found


def _of_head(function: ast.FunctionDef, number: int) -> Iterator[_Change]:
    for n, argument in enumerate(function.args.args):

        def without(tree: ast.Module, n: int = n) -> None:
            given = _function(tree, number).args
            del given.args[n]
            given.defaults = given.defaults[-len(given.args) :] if given.args else []

        yield _nodes(argument), without


def _of_statements(function: ast.FunctionDef, number: int) -> Iterator[_Change]:
    for which, body in enumerate(bodies(function)):
        place = number, which
        if len(body) > 3:
            # halves too: most of a large kernel has nothing to do with it
            for part in (slice(None, len(body) // 2), slice(len(body) // 2, None)):
                yield sum(map(_nodes, body[part])), partial(_put, place, part, [])
        for n, statement in enumerate(body):
            blocks = [getattr(statement, name, None) for name in ("body", "orelse")]
            for new in ([], *(block for block in blocks if isinstance(block, list) and block)):
                loss = _nodes(statement) - sum(map(_nodes, new))
                yield loss, partial(_put, place, slice(n, n + 1), new)
            if orelse := getattr(statement, "orelse", None):
                loss = sum(map(_nodes, orelse if isinstance(orelse, list) else [orelse]))
                yield loss, partial(_without_else, place, n)


def _put(place: tuple[int, int], part: slice, new: list[ast.stmt], tree: ast.Module) -> None:
    found = bodies(_function(tree, place[0]))[place[1]]
    found[part] = copy.deepcopy(new)
    if not found:
        found.append(ast.Pass())


def _without_else(place: tuple[int, int], n: int, tree: ast.Module) -> None:
    bodies(_function(tree, place[0]))[place[1]][n].orelse = []  # type: ignore[attr-defined]


def _of_expressions(function: ast.FunctionDef, number: int) -> Iterator[_Change]:
    for n, place in enumerate(slots(function)):
        node = place.node
        children = [child for child in ast.walk(node) if isinstance(child, ast.expr) and child is not node]
        simple: list[ast.expr] = [ast.Constant(1), ast.Constant(1.0)] if not isinstance(node, ast.Constant) else []
        for new in (*simple, *children[:12]):
            if isinstance(getattr(new, "ctx", ast.Load()), ast.Load):

                def put(tree: ast.Module, n: int = n, new: ast.expr = new) -> None:
                    slots(_function(tree, number))[n].put(copy.deepcopy(new))

                yield _nodes(node) - _nodes(new), put
        # one item less of a call's arguments, of a tuple's elements, of a comparison's operands
        for name in ("args", "keywords", "elts", "values"):
            items = getattr(node, name, None)
            for k, item in enumerate(items if isinstance(items, list) else ()):

                def fewer(tree: ast.Module, n: int = n, k: int = k, name: str = name) -> None:
                    del getattr(slots(_function(tree, number))[n].node, name)[k]

                yield _nodes(item), fewer
