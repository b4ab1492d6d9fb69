"""Fields that nothing names are mostly left out; those that are carried along, or that functions make, stay."""

from __future__ import annotations

import msgspec
from test_structs import BODIES, BODY, LOCAL, MASS, OUT, REST, SPRING, I, kernel

from strategies.dice import Dice
from strategies.idle_fields import with_fewer_fields
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.structs import leaves, struct_types
from strategies.language.types import FLOAT32
from strategies.ops import result_type

ALWAYS, NEVER = Dice(lambda _: 99), Dice(lambda _: 0)
LOADED = n.Assign(LOCAL, BODIES)


def fields(program: n.Program) -> dict[str, list[str]]:
    """The fields that are left, by struct."""
    check_program(program, result_type)
    for given in program.structs:
        assert isinstance(given.type, t.Struct)
        own = [p.name for p in program.parameters if p.name.startswith(f"{given.name}.")]
        assert own == [f"{given.name}.{path}" for path, _ in leaves(given.type)]
    return {of.name: [name for name, _ in of.fields] for of in struct_types(program)}


def test_what_nothing_names_is_left_out() -> None:
    found = with_fewer_fields(ALWAYS, kernel(LOADED, n.Assign(OUT, MASS)))
    assert fields(found) == {"Body": ["mass"]}
    assert fields(with_fewer_fields(ALWAYS, kernel(LOADED, n.Assign(OUT, REST)))) == {
        "Spring": ["rest"],
        "Body": ["spring"],
    }


def test_some_of_it_may_stay() -> None:
    program = kernel(LOADED, n.Assign(OUT, MASS))
    assert with_fewer_fields(NEVER, program) is program


def test_a_struct_keeps_a_field() -> None:
    program = kernel(LOADED, n.Assign(OUT, n.Literal(FLOAT32, 1.0)))
    assert fields(with_fewer_fields(ALWAYS, program)) == {"Body": ["mass"]}


def test_what_is_stored_whole_stays_whole() -> None:
    moved = tuple(
        n.Parameter(f"moved.{path}", t.array(of), 0.5, 2.0, (4,), True)  # type: ignore[arg-type]
        for path, of in leaves(BODY)
    )
    program = kernel(LOADED, n.Assign(OUT, MASS), n.Assign(n.Element(BODY, "moved", (I,)), LOCAL))
    program = msgspec.structs.replace(
        program,
        parameters=(*program.parameters, *moved),
        structs=(*program.structs, n.StructParameter("moved", BODY, 1)),
    )
    check_program(program, result_type)
    assert with_fewer_fields(ALWAYS, program) is program


def test_what_a_struct_is_made_of_goes_with_its_fields() -> None:
    spring = n.Construct(SPRING, (REST, n.Construct(t.vector(2, FLOAT32), (REST, REST))))
    body = (
        LOADED,
        n.Assign(LOCAL, n.Construct(BODY, (MASS, spring))),
        n.Assign(OUT, n.Apply(FLOAT32, "mul", (MASS, REST))),
    )
    found = with_fewer_fields(ALWAYS, kernel(*body))
    assert fields(found) == {"Spring": ["rest"], "Body": ["mass", "spring"]}
    made = [len(node.arguments) for node in n.walk(found) if isinstance(node, n.Construct)]
    assert made == [2, 1]


def test_what_a_function_makes_stays() -> None:
    made = n.Construct(SPRING, (n.Name(FLOAT32, "x"), n.Construct(t.vector(2, FLOAT32), (n.Name(FLOAT32, "x"),))))
    function = n.Function("made", SPRING, (n.Parameter("x", FLOAT32, 0, 1),), (n.Return((made,)),))
    local = n.Name(SPRING, "s")
    body = (
        n.Assign(local, n.Call(SPRING, "made", (n.Field(FLOAT32, BODIES, "mass"),))),
        n.Assign(OUT, n.Field(FLOAT32, local, "rest")),
    )
    assert fields(with_fewer_fields(ALWAYS, kernel(*body, functions=(function,))))["Spring"] == ["rest", "way"]
