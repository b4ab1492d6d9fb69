"""How Warp takes a text: clearly refused, built, or wrongly.

Three things are wrong.  *Internal errors*: an exception out of Warp's insides, where its own would say what the
kernel's author did.  *What its process does not survive, or the C++ compiler does not take.*  *Misreadings*: a text
that Warp builds although it says something that Warp's language does not have.  The last is judged by what the
generated C++ has of it alone: the number in a statement that is put there stands in the C++ if, and only if, Warp
translated the place.
"""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass
from typing import Final

from harness.frontend.harmless import parsed
from harness.frontend.texts import ENTRY
from harness.jobs import Job, JobResult, Status
from harness.sandbox import Sandbox
from harness.verdict import FailureKind

#: Names of exceptions that tell of Warp's insides; its own tell the user what was wrong.
INTERNAL: Final = frozenset(
    (
        *("KeyError", "AssertionError", "IndexError", "AttributeError", "UnboundLocalError", "RecursionError"),
        *("StopIteration", "ZeroDivisionError", "OverflowError", "UnicodeError", "MemoryError", "SystemError"),
        *("NameError", "UnicodeEncodeError"),
    )
)
#: Words of the interpreter itself, about Warp's variables and not the kernel's: as good as an internal error.
INTERPRETER: Final = re.compile(
    r"object is not (iterable|subscriptable|callable)|object does not support|unsupported operand type|"
    r"not supported between instances|has no attribute|has no len|unhashable type|"
    r"(too many|not enough) values to unpack|cannot be converted to|too large to convert|"
    r"must be str, not|"
    r"cannot be interpreted as an integer|keywords must be strings|can only concatenate|"
    r"argument of type '\w+' is not (iterable|a container)|must be real number"
)
#: Words that a clear message of one of these types begins with, behind the place: it was written for a person.
_CLEAR: Final = re.compile(r"Error while parsing function .*?;\s*[A-Z][a-z]+ [a-z]", re.DOTALL)
#: A name that the kernel itself looks up, and that is not there.
_NAMES_IT: Final = re.compile(r"module 'warp[\w.]*' has no attribute")
#: What stands in a kernel as if it were a value.
_NO_VALUE: Final = re.compile(r"'(Function|function|type|module|builtin_function_or_method)' object|type object '")
#: Warp puts the place in front of what was said.
_PLACE: Final = re.compile(r"^Error while parsing function .*?\n;", re.DOTALL)

#: Statements that Warp documents for kernels and functions.
SUPPORTED: Final = (
    *(ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Expr, ast.Assign, ast.Return, ast.AugAssign, ast.Pass),
    ast.Assert,
)
#: A number that no text has, and the statement that is put where Warp's reading is in question.
WITNESS: Final = 31337.25


@dataclass(frozen=True)
class Rejection:
    """A text that Warp did not take as it should: of which kind that is, its bucket, and what Warp said."""

    bucket: str
    kind: FailureKind
    source: str
    said: str


def judge(source: str, sandbox: Sandbox) -> Rejection | None:
    """What is wrong with how Warp takes a text; None if it refuses it clearly, or builds what it means.

    Raises:
        ValueError: the text is not harmless; it was given to nobody.
    """
    if parsed(source) is None:
        raise ValueError("the text does more than define kernels and functions")
    (result,) = sandbox.run([Job(source=source, entry=ENTRY)])
    if result.status is Status.OK:
        return _misread(source, sandbox)
    found = _named(result)
    return None if found is None else Rejection(found[1], found[0], source, result.message)


def _named(result: JobResult) -> tuple[FailureKind, str] | None:
    if result.status is not Status.REJECTED:
        kind = FailureKind(result.status.value)
        words = re.search(r"error: (.*)", result.message)
        about = re.sub(r"'[^']*'|\d+", "", words.group(1) if words else "").split("(")[0].split(";")[0]
        return kind, slug(f"frontend {kind.value} {about}")
    name, _, said = result.message.partition(": ")
    if is_internal(name, said):
        if _NO_VALUE.search(said):
            # Warp meets it wherever a value can stand, and one look at what stands there would do everywhere.
            return FailureKind.INTERNAL, "frontend-function-or-type-as-value"
        return FailureKind.INTERNAL, slug(f"frontend {name} {result.place.replace('.py', '') or _about(said)}")
    return None


def is_internal(name: str, said: str) -> bool:
    """Whether an exception of that name, with those words, comes out of Warp's insides."""
    if name in INTERNAL:
        return not _CLEAR.search(said) and not _NAMES_IT.search(said)
    return name in ("TypeError", "ValueError", "RuntimeError") and bool(INTERPRETER.search(_PLACE.sub("", said)))


def _about(said: str) -> str:
    """What the interpreter says without the names and numbers of this text."""
    text = _PLACE.sub("", said).strip().split("\n")[0]
    return " ".join(re.sub(r"'[^']*'|\"[^\"]*\"|<[^>]*>|\d+", "", text).split()[:6])


def slug(text: str) -> str:
    """Words as the name of a folder."""
    return "-".join(re.findall(r"\w+", text))[:90].strip("-_").lower()


# ---------------------------------------------------------------- misreadings


def _misread(source: str, sandbox: Sandbox) -> Rejection | None:
    """The first statement that Warp's language does not have, and that Warp read all the same, or left out."""
    tree = parsed(source)
    assert tree is not None
    for path in _strange(tree):
        if (name := _reading(tree, path, sandbox)) is not None:
            return Rejection(slug(f"frontend misread {name}"), FailureKind.MISREAD, source, _SAID[name.split()[0]])
    return None


_SAID: Final = {
    "dropped": "It is built, and what Python runs after the loop is in no line of the C++.",
    "inlined": "It is built, and the body of a definition, which nothing calls, is run where it stands.",
    "accepted": "It is built, although Warp's language has no such statement.",
}


def _strange(tree: ast.Module) -> list[int]:
    """The numbers, as `ast.walk` counts, of statements in bodies whose meaning is in question."""
    inside = {id(n) for f in tree.body if isinstance(f, ast.FunctionDef) for s in f.body for n in ast.walk(s)}
    return [
        number
        for number, node in enumerate(ast.walk(tree))
        if id(node) in inside
        and isinstance(node, ast.stmt)
        and (not isinstance(node, SUPPORTED) or (isinstance(node, ast.For | ast.While) and node.orelse))
    ]


def _reading(tree: ast.Module, number: int, sandbox: Sandbox) -> str | None:
    """What Warp makes of the statement of that number."""
    node = _at(tree, number)
    if not _translated(tree, number, "before", sandbox):
        return None
    kind = type(node).__name__
    if isinstance(node, ast.For | ast.While):
        return None if _translated(tree, number, "orelse", sandbox) is not False else f"dropped else of {kind}"
    if isinstance(node, ast.FunctionDef):
        return f"inlined {kind}" if _translated(tree, number, "body", sandbox) else f"accepted {kind}"
    return f"accepted {kind}"


def _at(tree: ast.Module, number: int) -> ast.stmt:
    found = list(ast.walk(tree))[number]
    assert isinstance(found, ast.stmt)
    return found


def _translated(tree: ast.Module, number: int, where: str, sandbox: Sandbox) -> bool | None:
    """Whether the C++ has what is put before the statement of that number, or into one of its blocks; None if Warp
    refuses the text then."""
    changed = copy.deepcopy(tree)
    node = _at(changed, number)
    witness = ast.parse(f"witness = {WITNESS!r}").body
    if where == "before":
        for owner in ast.walk(changed):
            for _, body in ast.iter_fields(owner):
                if isinstance(body, list) and any(part is node for part in body):
                    at = next(n for n, part in enumerate(body) if part is node)
                    body[at:at] = witness
                    break
    else:
        getattr(node, where)[0:0] = witness
    text = ast.unparse(ast.fix_missing_locations(changed)) + "\n"
    (result,) = sandbox.run([Job(source=text, entry=ENTRY)])
    if result.status is not Status.OK or result.cpp is None:
        return None
    return f"{WITNESS:g}" in result.cpp
