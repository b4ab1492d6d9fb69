"""Names that Warp trips over: drawn at times, known as what they are, and taken for names like any others."""

from __future__ import annotations

from typing import Any

import msgspec
from test_after_loops import verdicts
from tiny import AT, apply, program_of

from harness.rewrites.loops import (
    name_fields_unlike_adjoint,
    name_functions_unlike_operators,
    name_parameters_unlike_keywords,
)
from harness.sandbox import Sandbox
from harness.verdict import Tier
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Assign,
    Call,
    Element,
    Function,
    Name,
    Parameter,
    Program,
    Return,
    StructParameter,
)
from strategies.language.structs import with_names
from strategies.language.types import FLOAT32
from strategies.names import ADJOINT
from strategies.ops import result_type
from strategies.renaming import with_function

A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))
U, V = Name(FLOAT32, "u"), Name(FLOAT32, "v")
PLAIN = program_of(FLOAT32, Assign(OUT, apply("mul", A, B)))


def called(name: str) -> Program:
    """A kernel that calls a product of two, a function of that name."""
    bounds = {"low": -4.0, "high": 4.0}
    product = Return((apply("mul", U, V),))
    function = Function(name, FLOAT32, tuple(Parameter(p, FLOAT32, **bounds) for p in "uv"), (product,))
    found = msgspec.structs.replace(
        PLAIN, functions=(function,), body=(PLAIN.body[0], Assign(OUT, Call(FLOAT32, name, (A, B))))
    )
    check_program(found, result_type)
    return found


def held(name: str) -> Program:
    """A kernel that reads an array out of a struct, whose field has that name."""
    of = t.struct("State", [(name, t.array(FLOAT32)), ("mass", FLOAT32)])
    fields = (
        Parameter(f"s.{name}", t.array(FLOAT32), -2.0, 2.0, (6,)),
        Parameter("s.mass", FLOAT32, 0.5, 2.0),
    )
    value = apply("mul", A, Element(FLOAT32, f"s.{name}", (AT,)))
    found = msgspec.structs.replace(
        PLAIN,
        parameters=(*fields, *PLAIN.parameters),
        structs=(StructParameter("s", of),),
        body=(PLAIN.body[0], Assign(OUT, value)),
    )
    check_program(found, result_type)
    return found


def test_names_that_warp_trips_over_are_known(sandbox: Sandbox) -> None:
    new = with_names(PLAIN, {"a": "new"})
    trips = [new, held("new"), held(ADJOINT), called("mul")]
    assert verdicts(sandbox, *trips) == [
        "parameter-named-as-keyword",
        "parameter-named-as-keyword",
        "field-named-adjoint",
        "function-named-as-operator",
    ]
    assert verdicts(sandbox, PLAIN, held("data"), called("product"), called("add")) == [Tier.BACKWARD] * 4


def test_rewrites_change_those_names_alone() -> None:
    pairs: list[tuple[Any, Program, Program]] = [
        (name_parameters_unlike_keywords, with_names(PLAIN, {"a": "new"}), with_names(PLAIN, {"a": "new_1"})),
        (name_parameters_unlike_keywords, held("new"), held("new_1")),
        (name_fields_unlike_adjoint, held(ADJOINT), held("adjoint_1")),
        (name_functions_unlike_operators, called("mul"), called("mul_1")),
    ]
    for rewrite, program, expected in pairs:
        assert rewrite(program) == expected
        for other, _, _ in pairs:
            untouched = PLAIN if other is not rewrite else expected
            assert other(untouched) is untouched


def test_a_function_is_renamed_wherever_it_stands() -> None:
    assert with_function(called("product"), "product", "mul") == called("mul")


def test_such_names_are_drawn_at_times_and_are_rare() -> None:
    found = dict.fromkeys((name_parameters_unlike_keywords, name_functions_unlike_operators), 0)
    for category in ("function", "struct", "while_loop", "tuple"):
        for program in (draw(category, 9, n) for n in range(90)):
            assert program is not None
            for rewrite in found:
                changed = rewrite(program)
                found[rewrite] += changed is not program
                check_program(changed, result_type)
    assert all(1 <= count <= 20 for count in found.values()), found
