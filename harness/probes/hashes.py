"""Kernels that differ in one thing that no line of theirs says, which must have different hashes.

Warp runs a binary again that it knows by the hash of its module.  A number, a type or a function that a kernel has
from outside of its text is a part of what is generated, so it must be a part of the hash: else an old binary is run,
silently and, from the cache on disk, in the next process too.  A probe puts a name in the place of something in a
kernel and gives that name two values in turn.  Code is generated for both, which takes milliseconds, and only where it
differs under one hash are both built, each in a process of its own, to see what a user would have got.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from harness.comparison import cell_at
from harness.jobs import BuildOptions, Job, JobResult, Status, Versions
from harness.launches import GENERIC
from harness.probes.probe import Probed, Ran
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind
from harness.verify import jobs
from strategies.language.hashing import defined_names
from strategies.language.nodes import Program
from strategies.language.render import IMPORT_ANY, INDENT, type_name
from strategies.language.types import FLOAT32, Array, Scalar

#: The name of what varies.
VARIED: Final = "varied"
#: Kernels of a batch that are varied: those of one kind are all alike.
MOST: Final = 6
_IMPORT: Final = "import warp as wp"
DECORATOR: Final = "@wp.kernel"
#: A relative difference that a double shows and a float32 does not.
_SMALL: Final = 2.0**-40
#: What an integer of 32 bits does not show.
_LARGE: Final = 2**32
_WIDE: Final = ("float64", "int64", "uint64")
_MAPS: Final = ("tile_map", "tile_reduce")
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Varied:
    """The source of a kernel in which `VARIED` is not defined, and the text of its two values."""

    source: str
    values: tuple[str, str]

    def factory(self, kernel: str, decorator: str = DECORATOR) -> list[str]:
        """The lines of ``make(varied)``, which gives the kernel of that name; structs and constants stand before it."""
        lines, outside, inside = self.source.split("\n"), list[str](), list[str]()
        for node in ast.parse(self.source).body:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            own = lines[first - 1 : node.end_lineno]
            if isinstance(node, ast.FunctionDef):
                inside += [*(decorator if line == DECORATOR else line for line in own), ""]
            elif not isinstance(node, ast.Import | ast.ImportFrom):
                outside += [*own, "", ""] if isinstance(node, ast.ClassDef) else own
        made = [f"{INDENT}{line}" if line else "" for line in (*inside, f"return {kernel}")]
        return [*outside, *(["", ""] if outside else []), f"def make({VARIED}):", *made]

    def job(self, plain: Job, side: int, launches: int) -> Job:
        """The kernel of a job with one of the values, and so many of its launches."""
        entry = f"make__locals__{plain.entry}"
        lines = [IMPORT_ANY, _IMPORT, "", "", *self.factory(plain.entry), "", ""]
        source = "\n".join([*lines, f"{entry} = make({self.values[side]})", ""])
        return replace(plain, source=source, entry=entry, launches=plain.launches[:launches])


#: Puts the name in a kernel's source; None where there is no place for it.
Vary = Callable[[str, Program], Varied | None]


def _bodies(source: str) -> Iterator[ast.FunctionDef]:
    """The kernel and its functions, those that a factory makes too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and any("wp." in ast.unparse(d) for d in node.decorator_list):
            yield node


def _within(source: str) -> Iterator[ast.AST]:
    """What stands in the bodies of the kernel and its functions."""
    for function in _bodies(source):
        for statement in function.body:
            yield from ast.walk(statement)


def _text(source: str, node: ast.expr) -> str:
    return ast.get_source_segment(source, node) or ""


def _replaced(source: str, node: ast.expr, new: str) -> str:
    """`source` with another text for a node, which stands in one line."""
    lines = source.split("\n")
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = f"{line[: node.col_offset]}{new}{line[node.end_col_offset :]}"
    return "\n".join(lines)


def _called(node: ast.AST) -> str:
    """The name of Warp's that is called."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _number(node: ast.AST, of: type) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is of


def wide_constant(source: str, program: Program) -> Varied | None:
    """``wp.float64(0.1)`` as ``wp.float64(varied)``, of two numbers that differ beyond 32 bits."""
    for node in _within(source):
        if not isinstance(node, ast.Call) or _called(node) not in _WIDE or len(node.args) != 1:
            continue
        (number,) = node.args
        if isinstance(number, ast.Constant) and type(number.value) is (float if _called(node) == "float64" else int):
            value = number.value
            assert isinstance(value, int | float)
            other = value + _LARGE if isinstance(value, int) else value * (1 + _SMALL) or 1e-60
            if isinstance(value, int) or struct.pack("f", value) == struct.pack("f", other):
                return Varied(_replaced(source, number, VARIED), (repr(value), repr(other)))
    return None


def _floats(source: str) -> Iterator[ast.Constant]:
    """The numbers of floats in bodies: bare, or within a conversion."""
    yield from (node for node in _within(source) if isinstance(node, ast.Constant) and _number(node, float))


def constant_type(source: str, program: Program) -> Varied | None:
    """``0.5`` as ``float(varied)``, of two integers of like bits."""
    converted = {id(node.args[0]) for node in _within(source) if isinstance(node, ast.Call) and len(node.args) == 1}
    for number in _floats(source):
        new = VARIED if id(number) in converted else f"float({VARIED})"
        return Varied(_replaced(source, number, new), ("wp.int32(-1)", "wp.uint32(4294967295)"))
    return None


def constant_value(source: str, program: Program) -> Varied | None:
    """``0.5`` as ``varied``, of two numbers that any hash tells apart."""
    for number in _floats(source):
        assert isinstance(number.value, float)
        return Varied(_replaced(source, number, VARIED), (repr(number.value), repr(number.value * 1.5 or 1.0)))
    return None


def default_argument(source: str, program: Program) -> Varied | None:
    """``k: float = 0.5`` as ``k: float = varied``."""
    for function in _bodies(source):
        for default in function.args.defaults:
            text = _text(source, default)
            if found := _NUMBER.search(text, text.find("(") + 1):
                number = found.group()
                more = repr(float(number) * 1.5 or 1.0) if re.search(r"[.e]", number) else str(int(number) + 1)
                other = f"{text[: found.start()]}{more}{text[found.end() :]}"
                return Varied(_replaced(source, default, VARIED), (text, other))
    return None


def _function(source: str, program: Program, mapped: bool) -> Varied | None:
    """A function that is mapped over tiles, or one that is called, of which a captured number is a part."""
    calls = [node for node in _within(source) if isinstance(node, ast.Call)]
    given = {a.id for n in calls if _called(n) in _MAPS for a in n.args[:1] if isinstance(a, ast.Name)}
    named = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
    wanted = given - named if mapped else named - given
    scalars = {f.name: f.type for f in program.functions if isinstance(f.type, Scalar) and f.type.kind != "bool"}
    for function in _bodies(source):
        of, last = scalars.get(function.name), function.body[-1]
        if of is None or function.name not in wanted or not isinstance(last, ast.Return) or last.value is None:
            continue
        new = f"{_text(source, last.value)} + {type_name(of)}({VARIED})"
        return Varied(_replaced(source, last.value, new), ("1", "2"))
    return None


def mapped_function(source: str, program: Program) -> Varied | None:
    """``return e`` of a function that is only mapped, or that only joins numbers, as ``return e + float(varied)``."""
    return _function(source, program, mapped=True)


def called_function(source: str, program: Program) -> Varied | None:
    """``return e`` of a function that is called as ``return e + float(varied)``."""
    return _function(source, program, mapped=False)


def type_argument(source: str, program: Program) -> Varied | None:
    """``a[i]`` as ``wp.float32(wp.cast(a[i], varied))``, of the type that it has, and another."""
    ranks = {p.name: p.type.ndim for p in program.arrays if isinstance(p.type, Array) and p.type.dtype is FLOAT32}
    taken = {a.id for n in _within(source) if isinstance(n, ast.Assign) for a in n.targets if isinstance(a, ast.Name)}
    *_, kernel = _bodies(source)
    for node in (n for statement in kernel.body for n in ast.walk(statement)):
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load) or _text(source, node) == "":
            continue
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if ranks.get(name) == len(indices) and name not in taken and not any(isinstance(i, ast.Slice) for i in indices):
            new = f"wp.float32(wp.cast({_text(source, node)}, {VARIED}))"
            return Varied(_replaced(source, node, new), ("wp.float32", "wp.int32"))
    return None


@dataclass(frozen=True)
class Hash:
    """One thing that a hash must tell apart."""

    name: str
    vary: Vary

    def unavailable(self, versions: Versions) -> str | None:
        """Hashes can be had everywhere."""
        return None

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Generate code for both values; where it differs under one hash, run both."""
        plain = jobs([ran.expectation for ran in given])
        places = ((n, self._vary(plain[n].source, ran.expectation.program)) for n, ran in enumerate(given))
        asked = dict(islice(((n, of) for n, of in places if of is not None), MOST))
        found = [Probed()] * len(given)
        if not asked:
            return found
        chosen = [plain[n] for n in asked]
        texts = _both(chosen, list(asked.values()), sandbox, BuildOptions(0, texts_alone=True), launches=0)
        stale = []
        for n, (one, other) in zip(asked, texts, strict=True):
            if one.status is other.status is Status.OK and one.cpp != other.cpp:
                found[n] = Probed(None, True, other.cpp)
                if one.hash == other.hash:
                    stale.append(n)
        if stale:
            variants = [asked[n] for n in stale]
            results = _both([plain[n] for n in stale], variants, sandbox, BuildOptions(0), launches=1)
            for n, (one, other) in zip(stale, results, strict=True):
                found[n] = replace(found[n], failure=self._failure(given[n], one, other))
        return found

    def _vary(self, source: str, program: Program) -> Varied | None:
        """One with options of its own, and a generic kernel, are left alone: the first may have a module of its own."""
        plain = program.options is None and not program.overloads and VARIED not in defined_names(program)
        return self.vary(source, program) if plain else None

    def _failure(self, given: Ran, one: JobResult, other: JobResult) -> Failure | None:
        """What the second kernel would give, and what it gives by the binary of the first."""
        if one.status is not Status.OK or other.status is not Status.OK:
            return None
        arrays = (one.launches[GENERIC].arrays, other.launches[GENERIC].arrays)
        for parameter, stale, right in zip(given.expectation.program.parameters, *arrays, strict=True):
            if stale is None or right is None:
                continue
            differs = (stale.data != right.data) & np.isfinite(stale.data) & np.isfinite(right.data)
            if not differs.any():
                continue
            index = tuple(int(n) for n in np.argwhere(differs)[0])
            actual, expected, at = float(stale.data[index]), float(right.data[index]), cell_at(parameter, index)
            message = (
                f"{parameter.name} at {list(at)}: {actual!r} by the binary of a kernel that differs in {self.name}"
            )
            return Failure(
                FailureKind.STALE_BINARY, message, parameter.name, False, at, expected, actual,
                abs(expected - actual) / 4, variant=self.name,
            )  # fmt: skip
        return None


def _both(
    plain: Sequence[Job], asked: Sequence[Varied], sandbox: Sandbox, options: BuildOptions, launches: int
) -> list[tuple[JobResult, JobResult]]:
    """Each job with the one value and with the other: two batches, in two processes."""
    results = [
        sandbox.run([of.job(job, side, launches) for job, of in zip(plain, asked, strict=True)], options)
        for side in (0, 1)
    ]
    return list(zip(*results, strict=True))


HASHES: Final = (
    Hash("a constant beyond 32 bits", wide_constant),
    Hash("the type of a constant", constant_type),
    Hash("the value of a constant", constant_value),
    Hash("a default argument", default_argument),
    Hash("a mapped function", mapped_function),
    Hash("a called function", called_function),
    Hash("a type as an argument", type_argument),
)
"""In the order in which a hunt comes to them."""

_HASHES: Final = {probe.name: probe for probe in HASHES}


def varied(name: str, source: str, program: Program) -> Varied:
    """A kernel's source as the probe called `name` varies it."""
    found = _HASHES[name].vary(source, program)
    assert found is not None
    return found
