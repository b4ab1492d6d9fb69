"""Structs: values, and so no more than their fields; what is stored, checked, hashed and reduced of them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from simpler import candidates

import strategies
from corpus.record import check_names, features
from harness.launches import struct_layouts
from harness.oracle.expectation import expect
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import well_formed
from harness.shrink.dimensions import fewer_dimensions
from harness.shrink.hoisting import hoisted
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import structure_hash
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import destructured, flattened, leaves
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

SPRING = t.struct("Spring", [("rest", FLOAT32), ("way", t.vector(2, FLOAT32))])
BODY = t.struct("Body", [("mass", FLOAT32), ("spring", SPRING)])
I = n.Name(INT32, "i")  # noqa: E741
BODIES = n.Element(BODY, "bodies", (I,))
LOCAL = n.Name(BODY, "b")
OUT = n.Element(FLOAT32, "out", (I,))


def field(base: n.Expression, name: str) -> n.Field:
    assert isinstance(base.type, t.Struct)
    return n.Field(base.type.field(name), base, name)


def kernel(*body: n.Statement, functions: tuple[n.Function, ...] = ()) -> n.Program:
    """A kernel with an array of bodies to read, and an output."""
    arrays = [n.Parameter(f"bodies.{path}", t.array(of), 0.5, 2.0, (4,)) for path, of in leaves(BODY)]  # type: ignore[arg-type]
    out = n.Parameter("out", t.array(FLOAT32), 0, 0, (4,), True)
    structs = (n.StructParameter("bodies", BODY, 1),)
    return n.Program("kernel", "struct", (4,), (*arrays, out), (n.ThreadIndex(("i",)), *body), functions, structs)


MASS = field(LOCAL, "mass")
REST = field(field(LOCAL, "spring"), "rest")
PRODUCT = n.Apply(FLOAT32, "mul", (MASS, REST))
SIMPLE = kernel(n.Assign(LOCAL, BODIES), n.Assign(OUT, PRODUCT))


def test_a_struct_is_written_as_a_class_before_those_that_hold_it() -> None:
    source = render(SIMPLE)
    assert source.index("class Spring:") < source.index("class Body:") < source.index("def kernel(bodies: ")
    assert "    spring: Spring\n" in source
    assert "out[i] = b.mass * b.spring.rest" in source


def test_a_type_is_read_back_from_its_notation() -> None:
    assert t.parse(BODY.notation) is BODY
    assert t.parse(f"array2<{BODY.notation}>") is t.struct_array(BODY, 2)
    for wrong in ("Body{}", "body{mass: float32}", "Body{mass: nothing}", "Body{if: float32}", "None{a: float32}"):
        with pytest.raises(ValueError, match="not a type"):
            t.parse(wrong)


def test_a_program_with_structs_means_what_its_fields_mean() -> None:
    flat = flattened(SIMPLE)
    assert not any(isinstance(getattr(node, "type", None), t.Struct | t.StructArray) for node in n.walk(flat))
    found = expect(SIMPLE)
    mass, rest = found.inputs["bodies.mass"], found.inputs["bodies.spring.rest"]
    np.testing.assert_array_equal(found.outputs["out"].expected, (mass * rest).astype(np.float32))
    np.testing.assert_allclose(
        found.gradients["bodies.mass"].expected, found.cotangents["out"] * rest.astype(float), rtol=1e-9
    )


def test_a_struct_made_of_its_own_fields_takes_the_old_ones() -> None:
    swapped = n.Construct(SPRING, (field(field(LOCAL, "spring"), "rest"), field(field(LOCAL, "spring"), "way")))
    made = n.Construct(BODY, (REST, n.Construct(SPRING, (MASS, field(field(LOCAL, "spring"), "way")))))
    found = expect(kernel(n.Assign(LOCAL, BODIES), n.Assign(LOCAL, made), n.Assign(OUT, MASS)))
    np.testing.assert_array_equal(found.outputs["out"].expected, found.inputs["bodies.spring.rest"])
    assert swapped.type is SPRING


def test_a_copy_does_not_change_with_its_original() -> None:
    copy = n.Name(BODY, "c")
    body = (n.Assign(LOCAL, BODIES), n.Assign(copy, LOCAL), n.Assign(MASS, n.Literal(FLOAT32, 0.0)))
    found = expect(kernel(*body, n.Assign(OUT, field(copy, "mass"))))
    np.testing.assert_array_equal(found.outputs["out"].expected, found.inputs["bodies.mass"])


def test_a_function_changes_a_copy_of_its_argument() -> None:
    s = n.Name(BODY, "s")
    double = n.AugmentedAssign(field(s, "mass"), "mul", n.Literal(FLOAT32, 2.0))
    function = n.Function("doubled", BODY, (n.Parameter("s", BODY, 0, 0),), (double, n.Return((s,))))
    other = n.Name(BODY, "c")
    sum_ = n.Apply(FLOAT32, "sub", (field(other, "mass"), MASS))
    body = (n.Assign(LOCAL, BODIES), n.Assign(other, n.Call(BODY, "doubled", (LOCAL,))), n.Assign(OUT, sum_))
    program = kernel(*body, functions=(function,))
    check_program(program, result_type)
    found = expect(program)
    np.testing.assert_array_equal(found.outputs["out"].expected, found.inputs["bodies.mass"])
    copied = REWRITES["pass_copies_of_structs"](program)
    assert copied is not program
    check_program(copied, result_type)
    assert REWRITES["pass_copies_of_structs"](SIMPLE) is SIMPLE


WRONG = {
    "a field that there is not": n.Assign(OUT, n.Field(FLOAT32, LOCAL, "speed")),
    "a field of another type": n.Assign(OUT, n.Field(INT32, LOCAL, "mass")),
    "a field of an input": n.Assign(n.Field(FLOAT32, BODIES, "mass"), n.Literal(FLOAT32, 1.0)),
    "a field's array by its own name": n.Assign(OUT, n.Element(FLOAT32, "bodies.mass", (I,))),
    "too few fields": n.Assign(LOCAL, n.Construct(BODY, (MASS,))),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_struct_is_refused(what: str) -> None:
    with pytest.raises(IllFormed):
        check_program(kernel(n.Assign(LOCAL, BODIES), WRONG[what], n.Assign(OUT, MASS)), result_type)


def test_a_struct_that_lacks_a_field_among_the_parameters_is_refused() -> None:
    short = msgspec.structs.replace(SIMPLE, parameters=SIMPLE.parameters[1:])
    with pytest.raises(IllFormed, match="fields"):
        check_program(short, result_type)


def test_names_of_structs_and_fields_are_no_part_of_the_structure() -> None:
    text = n.encode(SIMPLE).decode()
    renamed = n.decode(text.replace("Body{", "Planet{").replace("mass", "weight"))
    assert structure_hash(renamed) == structure_hash(SIMPLE)
    other = n.decode(text.replace('"field":"mass"', '"field":"mass2"').replace("mass: float32", "mass2: float64"))
    assert structure_hash(other) != structure_hash(SIMPLE)


def test_a_dotted_name_is_one_only_of_a_struct() -> None:
    check_names(SIMPLE)
    evil = msgspec.structs.replace(SIMPLE, structs=())
    with pytest.raises(ValueError, match="no name"):
        check_names(evil)


def test_members_are_features() -> None:
    assert {"member:scalar", "member:struct", "member:vector", "node:field"} <= set(features(SIMPLE))


FLAGGED = t.struct("Flagged", [("fixed", BOOL), ("mass", FLOAT32), ("active", BOOL)])


def test_truth_values_in_structs_are_read_and_written(sandbox: Sandbox) -> None:
    """The fields around a float lie where they do in NumPy's struct, and a local's are a copy."""
    given, local = n.Element(FLAGGED, "bodies", (I,)), n.Name(FLAGGED, "b")
    fixed, mass, active = (field(local, name) for name, _ in FLAGGED.fields)
    arrays = [
        n.Parameter(f"{array}.{path}", t.array(of), 0, 1 if of is BOOL else 2.0, (8,), array == "moved")  # type: ignore[arg-type]
        for array in ("bodies", "moved")
        for path, of in leaves(FLAGGED)
    ]
    out = n.Parameter("out", t.array(FLOAT32), 0, 0, (8,), True)
    body = (
        n.ThreadIndex(("i",)),
        n.Assign(local, given),
        n.Assign(OUT, mass),
        n.If(n.Logical(BOOL, "and", (n.Apply(BOOL, "unot", (fixed,)), active)), (n.AugmentedAssign(OUT, "add", mass),)),
        n.Assign(active, n.Compare(BOOL, ("<",), (mass, n.Literal(FLOAT32, 1.0)))),
        n.Assign(n.Element(FLAGGED, "moved", (I,)), local),
    )
    structs = (n.StructParameter("bodies", FLAGGED, 1), n.StructParameter("moved", FLAGGED, 1))
    program = n.Program("flags", "struct", (8,), (*arrays, out), body, (), structs)
    check_program(program, result_type)
    assert "    fixed: bool\n" in render(program)
    found = expect(program)
    masses, moves = found.inputs["bodies.mass"], found.inputs["bodies.active"] & ~found.inputs["bodies.fixed"]
    assert {bool(move) for move in moves} == {True, False}
    np.testing.assert_array_equal(found.outputs["out"].expected, masses + np.where(moves, masses, 0))
    np.testing.assert_array_equal(found.outputs["moved.active"].expected, masses < 1)
    np.testing.assert_array_equal(found.outputs["moved.fixed"].expected, found.inputs["bodies.fixed"])
    (verdict,) = verify_all([program], sandbox)
    assert verdict.tier is Tier.BACKWARD


def test_the_fields_of_a_launch_are_put_together() -> None:
    (layout,) = struct_layouts(SIMPLE)
    assert (layout.struct, layout.first, layout.array) == ("Body", 0, True)
    assert layout.fields == ("mass", "spring.rest", "spring.way")


def test_reducing_dissolves_structs_and_drops_fields() -> None:
    found = list(candidates(SIMPLE))
    assert all(map(well_formed, found))
    assert destructured(SIMPLE) in found or any(not c.structs for c in found)
    assert any(c.structs and "way" not in c.structs[0].type.notation for c in found)


def test_component_changes_of_fields_are_rebuilt_whole() -> None:
    way = field(field(LOCAL, "spring"), "way")
    target = n.Component(FLOAT32, way, n.Literal(INT32, 1))
    program = kernel(n.Assign(LOCAL, BODIES), n.AugmentedAssign(target, "add", MASS), n.Assign(OUT, target))
    rebuilt = REWRITES["rebuild_changed_fields"](program)
    assert "b.spring.way = wp.vec2(b.spring.way[0], b.spring.way[1] + b.mass)" in render(rebuilt)
    assert REWRITES["rebuild_changed_fields"](SIMPLE) is SIMPLE


def test_a_part_is_tried_alone_with_the_structs_that_it_reads() -> None:
    a = n.Name(FLOAT32, "a")
    given = kernel(n.Assign(LOCAL, BODIES), n.Assign(a, PRODUCT), n.Assign(OUT, n.Apply(FLOAT32, "sin", (a,))))
    assert kernel(n.Assign(LOCAL, BODIES), n.Assign(OUT, PRODUCT)) in hoisted(given)


def test_an_array_of_structs_loses_the_axes_along_which_it_is_read_at_one_place() -> None:
    wide = [
        msgspec.structs.replace(p, type=t.array(p.type.dtype, 2), shape=(4, 3)) if "." in p.name else p
        for p in SIMPLE.parameters
        if isinstance(p.type, t.Array)
    ]
    body = (*SIMPLE.body[:1], n.Assign(LOCAL, n.Element(BODY, "bodies", (I, n.Literal(INT32, 0)))), *SIMPLE.body[2:])
    structs = (n.StructParameter("bodies", BODY, 2),)
    given = msgspec.structs.replace(SIMPLE, parameters=tuple(wide), body=body, structs=structs)
    assert well_formed(given)
    assert SIMPLE in fewer_dimensions(given)


# ---------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("category", ["struct", "lvalue", "idiom"])
def test_nearly_every_draw_has_a_structure_of_its_own(category: str) -> None:
    drawn = [strategies.draw(category, 77, index) for index in range(60)]
    assert all(program is not None for program in drawn)
    assert len({structure_hash(program) for program in drawn if program is not None}) >= 57


def test_structs_are_drawn_with_all_kinds_of_members_and_functions() -> None:
    drawn = [program for index in range(80) if (program := strategies.draw("struct", 78, index)) is not None]
    found = {feature for program in drawn for feature in features(program)}
    assert {"member:scalar", "member:vector", "member:struct", "member:array", "node:call"} <= found
    assert any(len({p.output for p in program.parameters if p.name.startswith(f"{s.name}.")}) == 2
               for program in drawn for s in program.structs)  # fmt: skip


def test_targets_are_drawn_of_all_kinds() -> None:
    kinds: set[str] = set()
    for index in range(320):
        program = strategies.draw("lvalue", 79, index)
        assert program is not None
        for node in n.walk(program):
            if isinstance(node, n.Assign | n.AugmentedAssign):
                kinds.add(type(node.target).__name__)
                kinds.add(f"{type(node.target).__name__} of {type(getattr(node.target, 'base', None)).__name__}")
                kinds.add(getattr(node, "operator", "="))
    assert {"Element", "Field", "Component of Element", "Component of Field", "Component of Name"} <= kinds
    assert {"=", "add", "sub", "mul", "floordiv", "mod", "bit_and", "bit_or", "bit_xor", "lshift", "rshift"} <= kinds
