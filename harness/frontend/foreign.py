"""Bodies that hypothesmith draws from Python's grammar, with the names of a kernel put in the place of theirs.

What hypothesmith draws is Python as it parses, of names and numbers that nobody has: Warp would stop at the first.  So
each name becomes one that stands for something, by the dice, and most constants small numbers.
"""

from __future__ import annotations

import ast
import hashlib
import random
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

#: Kinds of `libcst` nodes that pieces are drawn of: statements as they are, expressions as statements.
KINDS: Final = (
    *(
        "Assign",
        "AugAssign",
        "AnnAssign",
        "If",
        "For",
        "While",
        "Try",
        "With",
        "Del",
        "Assert",
        "Return",
        "FunctionDef",
    ),
    *("BinaryOperation", "Comparison", "BooleanOperation", "UnaryOperation", "Call", "Subscript", "Attribute", "IfExp"),
    *("Lambda", "ListComp", "Tuple", "List", "Dict", "NamedExpr"),
)
#: Of the pieces drawn, hypothesmith itself refuses many; so often one is drawn again.
TRIES: Final = 6
CHOICE_BYTES: Final = 1024
_ATTRIBUTES: Final = ("x", "y", "shape", "dtype", "sin", "dot", "vec3", "float32", "length", "size", "tid", "q")
_NUMBERS: Final = (0, 1, 2, -1, 0.5, 1.0, True)


def available() -> bool:
    """Whether hypothesmith can be imported here."""
    try:
        _strategies()
    except ImportError:
        return False
    return True


@cache
def _strategies() -> dict[str, tuple[Callable[[bytes], object], list[str]]]:
    import hypothesmith
    import libcst

    def recorder(strategy: st.SearchStrategy[str]) -> tuple[Callable[[bytes], object], list[str]]:
        found: list[str] = []

        @settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(strategy)
        def record(text: str) -> None:
            found.append(text)

        return record.hypothesis.fuzz_one_input, found  # type: ignore[attr-defined]

    of = {kind: hypothesmith.from_node(getattr(libcst, kind), auto_target=False) for kind in KINDS}
    of["grammar"] = hypothesmith.from_grammar("single_input", auto_target=False)
    return {name: recorder(strategy) for name, strategy in of.items()}


def pieces(key: str, names: Sequence[str], dice: random.Random) -> list[ast.stmt]:
    """Statements that hypothesmith draws, a function of `key` and the dice, about `names`; none if it draws none."""
    for attempt in range(TRIES):
        kind = dice.choice((*KINDS, "grammar"))
        fuzz, found = _strategies()[kind]
        found.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fuzz(hashlib.shake_128(f"{key}/{kind}/{attempt}".encode()).digest(CHOICE_BYTES))
            tree = _parsed(found[-1]) if found else None
        if tree is not None and tree.body:
            _Local(names, dice).visit(tree)
            return ast.fix_missing_locations(tree).body
    return []


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Local(ast.NodeTransformer):
    """Puts names that are there, and small numbers, in the place of others; one name always by the same."""

    def __init__(self, names: Sequence[str], dice: random.Random) -> None:
        self._names = names
        self._dice = dice
        self._chosen: dict[str, str] = {}

    def _name(self, name: str) -> str:
        if name not in self._chosen:
            self._chosen[name] = self._dice.choice(self._names)
        return self._chosen[name]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._name(node.id), node.ctx), node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._name(node.arg), None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.decorator_list, node.returns = "inner", [], None
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg is not None:
            node.arg = self._dice.choice(_ATTRIBUTES)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._dice.choice(_ATTRIBUTES)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value: Any = node.value
        keeps = isinstance(value, str | bytes | complex) or value is None or value is ...
        if not keeps or self._dice.random() < 0.5:
            return ast.copy_location(ast.Constant(self._dice.choice(_NUMBERS)), node)
        return ast.copy_location(ast.Constant("text"), node) if isinstance(value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.copy_location(ast.Constant("text"), node)
