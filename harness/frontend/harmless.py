"""Which texts may be handed to Warp: those that do nothing when they are imported but define.

The text of a function's body is never run as Python: Warp parses it.  What is run is what stands around bodies
(decorators, annotations, defaults, constants of the module), and what Warp's front end evaluates itself, the
argument of `wp.static`.  So the first is held to a small grammar, and the second is kept out.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

#: What may be called around bodies: types, arrays of them, and the decorators that say of which function a gradient is.
_CALLED: Final = re.compile(
    r"(u?int|float)\d+|bool|array\dd|array|vec\d\w+|mat\d\d\w+|(quat|transform|spatial_vector|spatial_matrix)\w*"
    r"|vector|matrix|constant|func_grad|func_replay"
)
#: Decorators that are no calls.
_DECORATORS: Final = frozenset(("wp.kernel", "wp.func", "wp.struct"))
_IMPORT: Final = "import warp as wp"
#: What Warp evaluates as Python.
_EVALUATED: Final = frozenset(("static", "exec", "eval", "__import__", "compile", "open"))
#: Nodes of a text, at most: a nest of a thousand brackets tests the parser of Python.
MAX_NODES: Final = 1500


def parsed(text: str) -> ast.Module | None:
    """The tree of a text that Python's compiler takes and that is harmless to import; None of any other."""
    try:
        with warnings.catch_warnings():
            # The compiler frowns on what is called or indexed here.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            compile(text, "edited.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if is_harmless(tree) else None


def is_harmless(tree: ast.Module) -> bool:
    """Whether importing a module of this tree only defines kernels, functions, structs and constants, and building
    them evaluates nothing as Python."""
    nodes = list(ast.walk(tree))
    return len(nodes) <= MAX_NODES and not any(_evaluates(node) for node in nodes) and all(map(_defines, tree.body))


def _evaluates(node: ast.AST) -> bool:
    name = getattr(node, "id", None) or getattr(node, "attr", None)
    return name in _EVALUATED


def _defines(node: ast.stmt) -> bool:
    match node:
        case ast.Import():
            return ast.unparse(node) == _IMPORT
        case ast.FunctionDef():
            given = node.args
            everything = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            annotations = [a.annotation for a in everything if a is not None and a.annotation is not None]
            defaults = [d for d in (*given.defaults, *given.kw_defaults) if d is not None]
            returned = [] if node.returns is None else [node.returns]
            return all(map(_plain, (*annotations, *defaults, *returned))) and all(map(_decorates, node.decorator_list))
        case ast.ClassDef():
            fields = all(isinstance(f, ast.AnnAssign) and f.value is None and _plain(f.annotation) for f in node.body)
            return fields and not node.bases and not node.keywords and all(map(_decorates, node.decorator_list))
        case ast.Assign(targets=[ast.Name()]):
            return _plain(node.value)
    return False


def _decorates(node: ast.expr) -> bool:
    return _plain(node) if isinstance(node, ast.Call) else ast.unparse(node) in _DECORATORS


def _plain(node: ast.expr) -> bool:
    """Whether an expression names or makes a type or a number, and no more."""
    match node:
        case ast.Constant(value=value):
            # text would be evaluated as an annotation
            return isinstance(value, bool | int | float)
        case ast.Name():
            return True
        case ast.Attribute():
            return isinstance(node.value, ast.Name | ast.Attribute) and _plain(node.value)
        case ast.UnaryOp():
            return _plain(node.operand)
        case ast.Tuple():
            return all(map(_plain, node.elts))
        case ast.Call(func=ast.Attribute(attr=name)) if _CALLED.fullmatch(name):
            return _plain(node.func) and all(map(_plain, (*node.args, *(k.value for k in node.keywords))))
    return False
