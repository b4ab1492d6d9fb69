"""Slices of vectors and matrices: written, checked, read and assigned as the numbers that they are."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from planted import Defect, beyond_bare, sandbox_with, smallest
from simpler import candidates
from tiny import AT, literal

from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.shrink.statements import fewer_bounds
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Construct,
    Element,
    Expression,
    Field,
    Literal,
    Name,
    Parameter,
    Part,
    Program,
    Slice,
    Statement,
    ThreadIndex,
    Unpack,
    decode,
    encode,
    walk,
)
from strategies.language.parts import changes_itself, numbers, part_type, without_parts
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32, INT32, Composite, Type
from strategies.leaves import slices
from strategies.ops import result_type

VEC2, VEC4 = t.vector(2, FLOAT32), t.vector(4, FLOAT32)
MAT = t.matrix(3, 3, FLOAT32)
OUT = Element(VEC4, "out", (AT,))
A, V, M = Element(VEC4, "a", (AT,)), Name(VEC4, "v"), Name(MAT, "m")


def at(number: int) -> Expression:
    return literal(INT32, number)


def cut(start: int | None = None, stop: int | None = None, step: int | None = None) -> Slice:
    return Slice(*(None if part is None else at(part) for part in (start, stop, step)))


def kernel(of: Composite, *body: Statement) -> Program:
    parameters = (
        Parameter("a", t.array(VEC4), -2.0, 2.0, (6,)),
        Parameter("out", t.array(of), 0.0, 0.0, (6,), True),
    )
    end = Assign(Element(of, "out", (AT,)), V if of is VEC4 else M)
    return Program("known", "lvalue", (6,), parameters, (ThreadIndex(("i",)), *body, end))


def zeros(of: Composite) -> Construct:
    return Construct(of, ())


FIRST, LAST = Part(VEC2, V, cut(0, 2)), Part(VEC2, A, cut(-2))
STORED = kernel(
    VEC4, Assign(V, zeros(VEC4)), Assign(FIRST, LAST), Assign(Part(VEC2, V, cut(2)), Part(VEC2, A, cut(None, 2)))
)
SUMMED = kernel(VEC4, Assign(V, A), AugmentedAssign(Part(VEC2, V, cut(None, None, 2)), "sub", LAST))
COLUMN = kernel(MAT, Assign(M, zeros(MAT)), AugmentedAssign(Part(VEC2, M, cut(1), at(2)), "add", LAST))
BLOCK = kernel(
    MAT,
    Assign(M, zeros(MAT)),
    Assign(
        Part(t.matrix(2, 2, FLOAT32), M, cut(0, 2), cut(1, 3)), Apply(t.matrix(2, 2, FLOAT32), "outer", (LAST, LAST))
    ),
)
SWAPPED = kernel(VEC4, Assign(V, A), Assign(FIRST, Part(VEC2, V, cut(1, 3))))
ALL = (STORED, SUMMED, COLUMN, BLOCK, SWAPPED)


def test_they_are_written_as_a_person_would() -> None:
    assert "    v[0:2] = a[i][-2:]\n    v[2:] = a[i][:2]\n" in render(STORED)
    assert "    v[::2] -= a[i][-2:]\n" in render(SUMMED)
    assert "    m[1:, 2] += a[i][-2:]\n" in render(COLUMN)
    assert "    m[0:2, 1:3] = wp.outer(" in render(BLOCK)
    for program in ALL:
        check_program(program, result_type)
        assert decode(encode(program)) == program


@pytest.mark.parametrize(
    ("base", "index", "column", "wanted"),
    [
        (VEC4, cut(0, 2), None, VEC2),
        (VEC4, cut(None, None, -1), None, VEC4),
        (VEC4, cut(3, 4), None, None),
        (VEC4, cut(0, 9), None, None),
        (VEC4, cut(None, None, 0), None, None),
        (MAT, at(0), cut(0, 2), VEC2),
        (MAT, cut(1), at(0), VEC2),
        (MAT, cut(1), cut(), t.matrix(2, 3, FLOAT32)),
        (MAT, at(0), at(0), None),
        (t.quaternion(FLOAT32), cut(0, 2), None, None),
    ],
)
def test_what_they_are_made_of(base: Composite, index: Slice, column: Slice | None, wanted: Type | None) -> None:
    part = Part(wanted or VEC2, Name(base, "x"), index, column)
    assert part_type(base, part) is wanted
    if isinstance(wanted, Composite):
        assert len(numbers(part)) == wanted.length


@pytest.mark.parametrize(
    "statement",
    [
        AugmentedAssign(Part(VEC2, OUT, cut(0, 2)), "add", Part(VEC2, OUT, cut(1, 3))),
        Assign(Part(VEC2, A, cut(0, 2)), LAST),
        AugmentedAssign(FIRST, "add", Part(VEC2, V, cut(1, 3))),
        Assign(Part(VEC2, V, cut(0, 3)), LAST),
        Assign(FIRST, A),
    ],
)
def test_others_are_refused(statement: Statement) -> None:
    with pytest.raises(IllFormed):
        check_program(kernel(VEC4, Assign(V, A), statement), result_type)


def test_numbers_one_by_one_mean_the_same() -> None:
    for program in ALL:
        plain = without_parts(program)
        assert not any(isinstance(node, Part) for node in walk(plain))
        check_program(plain, result_type)
        assert without_parts(plain) is plain
    assert "v[0] = a[i][2]\n    v[1] = a[i][3]\n" in render(without_parts(STORED))
    # what is read of the old value is read before any of it is changed
    assert any(isinstance(node, Unpack) for node in walk(without_parts(SWAPPED)))
    (loss,) = [n for n in walk(without_parts(COLUMN)) if isinstance(n, AugmentedAssign) and n.target.index == at(2)]  # type: ignore[union-attr]
    assert loss.target == Component(FLOAT32, M, at(2), column=at(2))


def test_they_are_verified(sandbox: Sandbox) -> None:
    verdicts = verify_all(ALL, sandbox)
    assert [v.failure for v in verdicts] == [None] * len(ALL)
    assert [v.tier for v in verdicts[:4]] == [Tier.BACKWARD] * 4
    # the numbers of a vector that has a value are assigned a second time
    assert verdicts[4].tier is Tier.FORWARD
    assert "COMPONENT_REASSIGNED" in (verdicts[4].reason or "")


def test_a_defect_of_slices_as_targets_is_caught_and_reduced(tmp_path: Path) -> None:
    # every number of a slice gets the first of what is assigned, or added
    def first(function: str, operator: str) -> Defect:
        return Defect(
            "native/vec.h",
            rf"(?s)(void {function}\(vec_t<Length, Type>& v, slice_t slice, [^{{]*\{{"
            rf"(?:(?!\n}}).)*v\[i\] {operator} a\[)ii\]",
            r"\g<1>0]",
        )

    defects = [first("add_inplace", r"\+="), first("sub_inplace", "-="), first("assign_inplace", "=")]
    programs = [
        p
        for n in range(120)
        if (p := draw("lvalue", 3, n)) is not None
        and any(isinstance(s, Assign | AugmentedAssign) and isinstance(s.target, Part) for s in walk(p))
    ][:10]
    with sandbox_with(tmp_path, defects) as damaged:
        verdicts = verify_all(programs, damaged, 3)
        # gradients of parts of locals are known to be wrong without it
        wrong = FailureKind.FORWARD_MISMATCH
        found = [(p, v) for p, v in zip(programs, verdicts, strict=True) if v.failure and v.failure.kind is wrong]
        assert len(found) >= 2
        reduced = [reduce(program, verdict, damaged, seed=3).program for program, verdict in smallest(found, 2)]
    assert all(any(isinstance(getattr(s, "target", None), Part) for s in walk(p)) for p in reduced)
    assert median(map(beyond_bare, reduced)) <= 12


def test_slices_lose_bounds_and_become_all_of_a_vector() -> None:
    edits = [render(edited) for edited in fewer_bounds(STORED)]
    assert any("    v[:2] = a[i][-2:]\n" in text for text in edits)
    assert any("    v[:] = x[i]\n    v[2:] = " in text and "x: wp.array(dtype=wp.vec4)" in text for text in edits)
    # what no longer fits is dropped where edits are put into order
    assert all("v[:] = a[i][-2:]" not in render(edited) for edited in candidates(STORED))


def test_one_field_is_not_changed_by_another() -> None:
    vector = t.vector(3, FLOAT32)
    body = t.struct("Body", [("place", vector), ("speed", vector)])
    at = Element(body, "bodies", (Name(INT32, "i"),))
    place, speed = (Field(vector, at, name) for name in ("place", "speed"))
    target = Part(t.vector(2, FLOAT32), place, Slice(Literal(INT32, 0), Literal(INT32, 2)))
    assert changes_itself(target, Part(target.type, place, target.index), {})
    assert changes_itself(target, at, {})
    assert not changes_itself(target, Part(target.type, speed, target.index), {})
    row = Element(vector, "row", (Name(INT32, "i"),))
    assert changes_itself(target, row, {"row": "bodies"})
    assert not changes_itself(target, row, {})


def bound(node: Expression | None) -> int | None:
    assert node is None or isinstance(node, Literal)
    return None if node is None else int(node.value)


@pytest.mark.parametrize("extent", range(2, 7))
def test_every_slice_of_a_longer_value_has_as_many_numbers_as_asked_for(extent: int) -> None:
    for count in range(1, extent + 1):
        found = [slice(bound(s.start), bound(s.stop), bound(s.step)) for s in slices(extent, count)]
        assert {len(range(extent)[one]) for one in found} == {count}
        assert len({tuple(range(extent)[one]) for one in found}) >= extent - count + 1
