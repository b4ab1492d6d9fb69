"""Numbers that are unpacked with a star: how they are written, that Warp takes them, and that a slip there shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import Defect, sandbox_with
from tiny import AT

from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.verdict import Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Component,
    Construct,
    Element,
    Expression,
    Function,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    ThreadIndex,
)
from strategies.language.render import expression
from strategies.language.types import FLOAT32, INT32
from strategies.ops import result_type

VEC2, VEC3 = t.vector(2, FLOAT32), t.vector(3, FLOAT32)
V = Element(VEC3, "v", (AT,))


def number(n: int, starred: bool = True) -> Component:
    return Component(FLOAT32, V, Literal(INT32, n), starred=starred)


def cell(n: int) -> Element:
    return Element(FLOAT32, "a", (Literal(INT32, n),), starred=True)


def built(*parts: Expression) -> Expression:
    return Construct(t.vector(len(parts), FLOAT32), parts)


X = Element(FLOAT32, "a", (AT,))
WRITTEN = {
    "wp.vec3(*v[i])": built(number(0), number(1), number(2)),
    "wp.vec4(a[i], *v[i])": built(X, number(0), number(1), number(2)),
    "wp.vec2(*v[i][1:3])": built(number(1), number(2)),
    "wp.vec3(*a[2:4], a[i])": built(cell(2), cell(3), X),
    # what does not follow is unpacked by itself
    "wp.vec2(*v[i][2:3], *v[i][0:1])": built(number(2), number(0)),
    "wp.vec3(v[i][0], *v[i][1:3])": built(number(0, starred=False), number(1), number(2)),
    "wp.atan2(*v[i][0:2])": Apply(FLOAT32, "atan2", (number(0), number(1))),
    "v[i][0] + v[i][1]": Apply(FLOAT32, "add", (number(0), number(1))),
    "blend(*v[i][0:2], t=a[i])": Call(FLOAT32, "blend", (number(0), number(1), X), ("t",)),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_neighbours_are_written_together(text: str) -> None:
    assert expression(WRITTEN[text]) == text


def kernel(value: Expression) -> Program:
    blend = Function(
        "blend",
        FLOAT32,
        tuple(Parameter(name, FLOAT32, -8.0, 8.0) for name in ("p", "q", "t")),
        (Return((Apply(FLOAT32, "lerp", tuple(Name(FLOAT32, name) for name in ("p", "q", "t"))),)),),
    )
    found = Program(
        "known",
        "vector",
        (5,),
        (
            Parameter("v", t.array(VEC3), 0.5, 2.0, (5,)),
            Parameter("a", t.array(FLOAT32), 0.5, 2.0, (5,)),
            Parameter("out", t.array(value.type), 0.0, 0.0, (5,), True),
        ),
        (ThreadIndex(("i",)), Assign(Element(value.type, "out", (AT,)), value)),
        functions=(blend,) if isinstance(value, Call) else (),
    )
    check_program(found, result_type)
    return found


def test_warp_takes_what_is_unpacked(sandbox: Sandbox) -> None:
    verdicts = verify_all(list(map(kernel, WRITTEN.values())), sandbox)
    assert dict(zip(WRITTEN, (v.tier for v in verdicts), strict=True)) == dict.fromkeys(WRITTEN, Tier.BACKWARD)


def test_a_slip_in_unpacking_is_found_and_reduced(tmp_path: Path) -> None:
    off = Defect("_src/codegen.py", r"bounds = \(0, target_type\._shape_\[0\], 1\)", r"bounds = (0, 1, 1)")
    program = kernel(Construct(VEC3, (number(0), number(1), number(2))))
    with sandbox_with(tmp_path, [off]) as wrong:
        (verdict,) = verify_all([program], wrong)
        assert verdict.failure is not None
        assert "(*" in repr(reduce(program, verdict, wrong).program)


def test_the_grammar_unpacks() -> None:
    drawn = [draw(category, 11, index) for category in ("access", "vector", "compound") for index in range(150)]
    assert sum("(*" in repr(program) for program in drawn if program is not None) >= 8
