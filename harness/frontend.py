"""Warp's front end under Python that is not in its language.

Valid kernels are edited at random: an expression or a statement of the body gives way to another piece of Python
that parses.  Warp must refuse such a kernel with an error of its own, or build it.  An exception out of its insides
(a `KeyError`, an `AssertionError` …), generated C++ that does not compile, a crash or a hang is a failure.

The text of a body is never run as Python: it stands in a function that is defined and handed to Warp's code generator
in the sandbox.  Edits leave out what Warp evaluates itself (`wp.static`) and touch neither decorators, annotations nor
defaults.
"""

from __future__ import annotations

import ast
import random
import re
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.jobs import Job, JobResult, Status
from harness.reproduction import REPRO, Ran, run_repro
from harness.sandbox import Sandbox
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.render import render

ENTRY: Final = "edited"
#: Where failures are saved, in a folder for each bucket.
FRONTEND: Final = "frontend"
#: Edits of one kernel, at most.
MAX_EDITS: Final = 2
#: Candidates that are tried while one failure is made small.
SHRINKS: Final = 120

#: Python that Warp's language does not have, or has in other places.
EXPRESSIONS: Final = (
    "[1, 2]", "{}", "{1: 2}", "{1, 2}", "(1, 2)", "()", "None", "'text'", "b'bytes'", "f'{1}'", "...", "1j",
    "lambda y: y", "[k for k in range(3)]", "{k: k for k in range(3)}", "(k for k in range(3))", "(w := 1)",
    "not_defined", "not_defined.field", "not_defined[0]", "not_defined(1)", "wp.not_there", "wp.not_there(1)",
    "wp.float32", "wp.vec3", "wp.vec3()[0:2]", "wp.vec3()[::2]", "wp.vec3().w", "wp.vec3()[7]", "-True", "~1.0",
    "not 'a'", "1 < 'a'", "1 in (1, 2)", "1 is None", "1 @ 2", "2 ** 3", "1 if None else 2", "max(1)", "min()",
    "len(3)", "int()", "float('1')", "range(3)", "print", "type(1)", "wp.tid", "wp.tid()", "wp.tid(1)",
    "wp.where(1)", "wp.sin", "wp.sin()",
    "wp.sin(1, 2)", "wp.sin(x=1.0)", "wp.sin(*[1.0])", "wp.sin(**{})", "10 ** 40", "1 / 0", "1 % 0", "1 << -1",
    "99999999999999999999", "1e999", "a.b.c.d", "(1)(2)", "(1).real", "'a'[0]", "[][0]",
)  # fmt: skip
STATEMENTS: Final = (
    "pass", "del not_defined", "global not_defined", "assert False", "raise ValueError", "import math", "return 1",
    "return", "return 1, 2", "yield 1", "break", "continue", "x: int = 1", "x: int", "x = y = 1.0", "x, y = 1, 2",
    "x, *y = 1, 2", "(x, y), z = (1, 2), 3", "[x, y] = 1, 2", "x.y = 1", "x[0] = 1", "1", "'text'", "...", "wp.tid()",
    "print(1)", "print('a', 1)", "x += 1", "not_defined += 1", "1 < 2 < 3", "try:\n    x = 1\nfinally:\n    pass",
    "with wp as y:\n    pass", "class C:\n    pass", "def inner(y):\n    return y", "for k in [1, 2]:\n    pass",
    "for k in 3:\n    pass", "for k, j in range(3):\n    pass", "for k in range(3):\n    pass\nelse:\n    x = 1",
    "for k in range():\n    pass", "for k in range(0, 3, 0):\n    pass", "while False:\n    pass",
    "while True:\n    break",
    "if 'a':\n    pass", "if None:\n    pass", "match 1:\n    case 1:\n        pass", "x @= 1", "x //= 0", "lambda: 0",
)  # fmt: skip

#: Names of exceptions that tell of Warp's insides; its own tell the user what was wrong.
INTERNAL: Final = frozenset(
    (
        *("KeyError", "AssertionError", "IndexError", "AttributeError", "UnboundLocalError", "RecursionError"),
        *("StopIteration", "ZeroDivisionError", "OverflowError", "UnicodeError", "MemoryError", "SystemError"),
    )
)
#: Words that a clear message of one of these types begins with, behind the place: it was written for a person.
_CLEAR: Final = re.compile(r"Error while parsing function .*?;\s*[A-Z][a-z]+ [a-z]", re.DOTALL)


@dataclass(frozen=True)
class Rejection:
    """A text that Warp did not refuse in a clear way."""

    bucket: str
    source: str
    said: str


def edited(seed: int, index: int) -> str | None:
    """The source of an edited kernel, a function of both numbers; None if nothing was drawn."""
    dice = random.Random(f"{seed}/{index}")
    program = draw(dice.choice(sorted(CATEGORIES)), seed, index)
    if program is None:
        return None
    tree = ast.parse(render(program, ENTRY))
    kernel = _kernel(tree)
    for _ in range(dice.randint(1, MAX_EDITS)):
        _edit(kernel, dice)
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return text if _parses(text) and "static" not in text else None


def _kernel(tree: ast.Module) -> ast.FunctionDef:
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == ENTRY)


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            # The compiler frowns on what is called or indexed here.
            warnings.simplefilter("ignore")
            compile(text, "edited.py", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _edit(kernel: ast.FunctionDef, dice: random.Random) -> None:
    """Put another piece of Python in the place of one in the body, or before it."""
    if dice.random() < 0.4:
        inner = [n.body for n in ast.walk(kernel) if isinstance(n, ast.If | ast.For | ast.While)]
        body = dice.choice([kernel.body, *inner])
        at = dice.randrange(len(body) + 1)
        body[at:at] = _statement(dice.choice(STATEMENTS))
        return
    places = [
        (owner, name, position)
        for statement in kernel.body
        for owner in ast.walk(statement)
        for name, value in ast.iter_fields(owner)
        for position, part in enumerate(value if isinstance(value, list) else [value])
        if isinstance(part, ast.expr) and not isinstance(getattr(part, "ctx", ast.Load()), ast.Store)
    ]
    if places:
        owner, name, position = dice.choice(places)
        new = ast.parse(dice.choice(EXPRESSIONS), mode="eval").body
        if isinstance(getattr(owner, name), list):
            getattr(owner, name)[position] = new
        else:
            setattr(owner, name, new)


def _statement(text: str) -> list[ast.stmt]:
    """The statements of a text that may stand in a loop of a function alone."""
    around = ast.parse(f"def f():\n  while 1:\n{textwrap.indent(text, '    ')}").body[0]
    assert isinstance(around, ast.FunctionDef)
    assert isinstance(around.body[0], ast.While)
    return around.body[0].body


def judge(source: str, sandbox: Sandbox) -> Rejection | None:
    """What is wrong with how Warp takes a text; None if it refuses it clearly, or builds it."""
    (result,) = sandbox.run([Job(source=source, entry=ENTRY)])
    name = _bucket(result)
    return None if name is None else Rejection(name, source, result.message)


def _bucket(result: JobResult) -> str | None:
    if result.status is Status.OK:
        return None
    if result.status is not Status.REJECTED:
        words = re.search(r"error: (.*)", result.message)
        about = re.sub(r"'[^']*'|\d+", "", words.group(1) if words else "")
        return _slug(f"{result.status.value} {about}")
    kind, _, said = result.message.partition(": ")
    if kind not in INTERNAL or _CLEAR.search(said):
        return None
    return _slug(f"{kind} {result.place or ''}")


def _slug(text: str) -> str:
    return "-".join(re.findall(r"\w+", text))[:72].strip("-").lower()


def shrink(found: Rejection, sandbox: Sandbox) -> Rejection:
    """A smaller text of the same bucket, with fewer statements, and bodies in the place of their blocks."""
    left = SHRINKS
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in _smaller(found.source):
            left -= 1
            again = judge(candidate, sandbox)
            if again is not None and again.bucket == found.bucket:
                found, smaller = again, True
                break
            if left <= 0:
                break
    return found


def _smaller(source: str) -> Iterator[str]:
    count = sum(1 for node in ast.walk(_kernel(ast.parse(source))) if isinstance(node, ast.stmt))
    for number in range(count):
        tree = ast.parse(source)
        kernel = _kernel(tree)
        blocks = [
            (body, n)
            for owner in ast.walk(kernel)
            for body in (getattr(owner, "body", None), getattr(owner, "orelse", None))
            if isinstance(body, list)
            for n in range(len(body))
        ]
        if number >= len(blocks):
            return
        body, n = blocks[number]
        inner = getattr(body[n], "body", None)
        for new in ([], inner if isinstance(inner, list) else None):
            if new is None or (not new and len(body) == 1):
                continue
            kept = body[n]
            body[n : n + 1] = new
            text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
            body[n : n + len(new)] = [kept]
            if _parses(text):
                yield text


def script(found: Rejection) -> str:
    """A script of Warp alone that ends with 1 while Warp fails so on the text, with 0 once it refuses it clearly."""
    kernel = found.source.removeprefix("import warp as wp\n").strip("\n")
    internal = sorted(INTERNAL)
    return f"""\
import sys

import warp as wp

wp.config.quiet, wp.config.log_level = True, 40


{kernel}


try:
    wp.load_module(device="cpu")
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}")
    sys.exit(int(type(error).__name__ in {internal} or "build failed" in str(error)))
print("it is built")
"""


def hunt(
    folder: Path, seed: int, seconds: float, python: str, say: Callable[[str], None]
) -> dict[str, tuple[Rejection, int, Ran]]:
    """Edit kernels for so long; one of each bucket is made small and saved in `folder`, with the script that was run.

    Returns, by bucket, the failure, how often it was met, and how its script ended.
    """
    found: dict[str, tuple[Rejection, int, Ran]] = {}
    deadline = time.monotonic() + seconds
    index = tried = 0
    with Sandbox(python) as sandbox:
        while time.monotonic() < deadline:
            source = edited(seed, index)
            index += 1
            if source is None:
                continue
            tried += 1
            one = judge(source, sandbox)
            if one is None:
                continue
            if one.bucket in found:
                first, hits, ran = found[one.bucket]
                found[one.bucket] = first, hits + 1, ran
                continue
            small = shrink(one, sandbox)
            text = script(small)
            ran = run_repro(text, python)
            found[one.bucket] = small, 1, ran
            place = folder / FRONTEND / one.bucket
            place.mkdir(parents=True, exist_ok=True)
            (place / REPRO).write_text(text, encoding="utf-8")
            last = small.said.strip().splitlines()[-1:] or [""]
            shown = "" if ran.fails else " (its script does not show it)"
            say(f"{one.bucket}: {last[0]}, saved in {place}{shown}")
    say(f"{tried} edited kernels, {len(found)} ways in which Warp did not refuse one clearly.")
    return found
