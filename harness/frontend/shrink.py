"""Making a text small that Warp did not take as it should: fewer definitions, statements, and smaller expressions."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Iterator
from typing import Final

from harness.frontend.edits import Slot, bodies, slots
from harness.frontend.harmless import parsed
from harness.frontend.judge import Rejection, judge
from harness.frontend.texts import ENTRY
from harness.sandbox import Sandbox

#: Candidates that are tried while one failure is made small, and seconds on the clock.
CANDIDATES: Final = 300
SECONDS: Final = 20.0


def shrink(found: Rejection, sandbox: Sandbox, candidates: int = CANDIDATES, seconds: float = SECONDS) -> Rejection:
    """A smaller text of the same bucket."""
    deadline = time.monotonic() + seconds
    seen = {found.source}
    smaller = True
    while smaller:
        smaller = False
        for text in smaller_texts(found.source):
            if text in seen:
                continue
            if len(seen) > candidates or time.monotonic() > deadline:
                return found
            seen.add(text)
            again = judge(text, sandbox)
            if again is not None and again.bucket == found.bucket:
                found, smaller = again, True
                break
    return found


def smaller_texts(source: str) -> Iterator[str]:
    """Texts of fewer nodes than `source` has, those first that have lost most."""
    base = ast.parse(source)
    size = sum(1 for _ in ast.walk(base))
    found: dict[str, int] = {}
    for tree in _changes(base):
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        left = parsed(text)
        if left is not None and (nodes := sum(1 for _ in ast.walk(left))) < size:
            found.setdefault(text, nodes)
    yield from sorted(found, key=lambda text: (found[text], text))


def _changes(base: ast.Module) -> Iterator[ast.Module]:
    for n, definition in enumerate(base.body):
        if not isinstance(definition, ast.Import) and getattr(definition, "name", "") != ENTRY:
            tree = copy.deepcopy(base)
            del tree.body[n]
            yield tree
    for number, definition in enumerate(base.body):
        if isinstance(definition, ast.FunctionDef):
            yield from _of_head(base, number)
            yield from _of_statements(base, number)
            yield from _of_expressions(base, number)


def _function(tree: ast.Module, number: int) -> ast.FunctionDef:
    found = tree.body[number]
    assert isinstance(found, ast.FunctionDef)
    return found


def _of_head(base: ast.Module, number: int) -> Iterator[ast.Module]:
    for n in range(len(_function(base, number).args.args)):
        tree = copy.deepcopy(base)
        given = _function(tree, number).args
        del given.args[n]
        given.defaults = given.defaults[-len(given.args) :] if given.args else []
        yield tree


def _of_statements(base: ast.Module, number: int) -> Iterator[ast.Module]:
    for which, body in enumerate(bodies(_function(base, number))):
        if len(body) > 3:
            # halves first: most of a large kernel has nothing to do with it
            for part in (slice(None, len(body) // 2), slice(len(body) // 2, None)):
                tree = copy.deepcopy(base)
                del bodies(_function(tree, number))[which][part]
                yield tree
        for n, statement in enumerate(body):
            inner = [getattr(statement, name, None) for name in ("body", "orelse")]
            for new in ([], *(block for block in inner if isinstance(block, list) and block)):
                tree = copy.deepcopy(base)
                changed = bodies(_function(tree, number))[which]
                changed[n : n + 1] = copy.deepcopy(new) or ([ast.Pass()] if len(body) == 1 else [])
                yield tree
            if getattr(statement, "orelse", None):
                tree = copy.deepcopy(base)
                bodies(_function(tree, number))[which][n].orelse = []  # type: ignore[attr-defined]
                yield tree


def _of_expressions(base: ast.Module, number: int) -> Iterator[ast.Module]:
    for n, place in enumerate(slots(_function(base, number))):
        node = place.node
        children = [child for child in ast.walk(node) if isinstance(child, ast.expr) and child is not node]
        simple: list[ast.expr] = [ast.Constant(1), ast.Constant(1.0)] if not isinstance(node, ast.Constant) else []
        for new in (*simple, *children[:12]):
            if isinstance(getattr(new, "ctx", ast.Load()), ast.Load):
                tree = copy.deepcopy(base)
                slots(_function(tree, number))[n].put(copy.deepcopy(new))
                yield tree
        yield from _of_lists(base, number, n, place)


def _of_lists(base: ast.Module, number: int, n: int, place: Slot) -> Iterator[ast.Module]:
    """With one item less of a call's arguments, of a tuple's elements, of a comparison's operands."""
    for name in ("args", "keywords", "elts", "values"):
        items = getattr(place.node, name, None)
        for item in range(len(items) if isinstance(items, list) else 0):
            tree = copy.deepcopy(base)
            del getattr(slots(_function(tree, number))[n].node, name)[item]
            yield tree
