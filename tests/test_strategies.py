"""What is generated: valid by construction, varied, the same whoever asks, and of the kind that was asked for."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import strategies
from harness.expectation import Expectation, expect
from strategies import names
from strategies.categories import CATEGORIES
from strategies.language.check import check_program
from strategies.language.effects import called_functions, effects
from strategies.language.generics import groups, is_generic
from strategies.language.hashing import content_hash, defined_names, outline_hash, structure_hash
from strategies.language.indexed import all_members, data_of
from strategies.language.limits import is_dynamic, max_unroll
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Continue,
    Element,
    Expression,
    Extent,
    Field,
    For,
    Function,
    If,
    IndexedParameter,
    Item,
    Literal,
    Logical,
    Name,
    Node,
    Numbers,
    Parameter,
    Part,
    Program,
    Return,
    Slice,
    Statement,
    Static,
    ThreadIndex,
    TileStore,
    Unpack,
    View,
    While,
    Zeros,
    walk,
)
from strategies.language.render import is_alias, render
from strategies.language.structs import root, struct_types
from strategies.language.tiles import REDUCTIONS, sorts
from strategies.language.types import (
    BOOL,
    FLOAT16,
    FLOAT64,
    INT32,
    Array,
    Composite,
    Scalar,
    Struct,
    Tile,
    Tuple,
    Type,
    Vector,
    array,
    element_scalar,
    scalar,
)
from strategies.ops import OPS, ROWS, result_type
from strategies.stream import UnknownCategory
from strategies.weights import WEIGHTS

ROOT = Path(__file__).resolve().parent.parent
SEED = 5
#: Draws of each category, and those of them that are evaluated, which takes about 40 ms each.
DRAWS = 100
EVALUATED = 25
#: Different outlines among 100 draws, as the corpus promises them.
LEAST_OUTLINES = {"unary": 25}
#: Of 100 kernels with a gradient that is checked, where most results are integers.  How often a ``while`` loop runs
#: depends on what it computes, and dynamic loops are not replayed.
LEAST_ALIVE = {
    "integer": 20,
    "bitwise": 20,
    "conversion": 50,
    "while_loop": 35,
    # some are built without a backward pass, and few loops of theirs are unrolled
    "module_option": 45,
    "atomics": 50,
    "inplace": 45,
    "local_array": 4,
    "indexed_array": 45,
    "tile": 60,
    # of 64 kernels of the corpus' campaign 46, the others mostly outside of limits; and of 25 here a few less or more
    "function": 60,
    # of 64 there 40: integers, and components that are assigned again
    "lvalue": 55,
}


@cache
def stream(category: str) -> tuple[Program | None, ...]:
    return tuple(strategies.draw(category, SEED, index) for index in range(DRAWS))


@cache
def drawn(category: str) -> tuple[Program, ...]:
    return tuple(program for program in stream(category) if program is not None)


@cache
def expectations(category: str) -> tuple[Expectation, ...]:
    return tuple(expect(program, SEED) for program in drawn(category)[:EVALUATED])


# ---------------------------------------------------------------- valid by construction


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_are_well_typed(category: str) -> None:
    for program in drawn(category):
        check_program(program, result_type)
        assert program.category == category


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_are_defined_on_their_inputs(category: str) -> None:
    assert len(expectations(category)) == EVALUATED  # `expect` raises InvalidProgram otherwise


@pytest.mark.parametrize("category", CATEGORIES)
def test_nearly_all_results_of_drawn_programs_can_be_checked(category: str) -> None:
    usable = [e for e in expectations(category) if e.cells_checked >= 0.8 and (e.limits or e.gradients_checked >= 0.8)]
    assert len(usable) >= 0.75 * EVALUATED


@pytest.mark.parametrize("category", CATEGORIES)
def test_most_drawn_programs_have_a_gradient_that_is_checked(category: str) -> None:
    alive = [e for e in expectations(category) if e.alive and not e.limits]
    assert len(alive) >= LEAST_ALIVE.get(category, 70) / 100 * EVALUATED


def test_less_than_one_draw_in_a_hundred_is_discarded() -> None:
    discarded = sum(program is None for category in CATEGORIES for program in stream(category))
    assert discarded < 0.01 * DRAWS * len(CATEGORIES)


def test_results_of_drawn_programs_are_finite() -> None:
    import numpy as np

    for category in CATEGORIES:
        for expectation in expectations(category):
            for cells in (*expectation.outputs.values(), *expectation.special_outputs.values()):
                assert np.isfinite(cells.expected.astype(np.float64)).all(), repr(expectation.program)


# ---------------------------------------------------------------- variety


@pytest.mark.parametrize("category", CATEGORIES)
def test_structures_and_outlines_differ(category: str) -> None:
    programs = drawn(category)
    assert len({content_hash(p) for p in programs}) == len(programs)
    structures = {structure_hash(p) for p in programs}
    assert len(structures) >= 0.97 * len(programs)
    outlines = {outline_hash(p) for p in programs}
    assert len(outlines) >= LEAST_OUTLINES.get(category, 60)


def test_nearly_every_operation_appears_somewhere() -> None:
    programs = [p for category in CATEGORIES for p in drawn(category)]
    seen = {node.op for p in programs for node in walk(p) if isinstance(node, Apply)}
    assert set(OPS) - seen <= {"pos"} or len(set(OPS) - seen) <= 3, set(OPS) - seen


def test_every_kind_of_node_appears_somewhere() -> None:
    programs = [p for category in CATEGORIES for p in drawn(category)]
    seen = {type(node) for p in programs for node in walk(p)}
    every = {kind for kind in Node.__subclasses__() if kind.__struct_config__.tag is not None}
    assert seen == every


def test_several_precisions_and_dimensions_appear_in_every_category() -> None:
    for category in CATEGORIES:
        floats = {
            scalar.notation
            for p in drawn(category)
            for parameter in p.parameters
            if (scalar := element_scalar(parameter.type)).is_float
        }
        rare = {"float16"} if category in ("integer", "bitwise") else set()
        if category == "random":
            # Warp draws numbers of 32 bits alone
            assert floats == {"float32"}
            rare = {"float16", "float64"}
        assert floats | rare == {"float16", "float32", "float64"}, category
        assert {len(p.launch) for p in drawn(category)} >= {1, 2, 3}, category


# ---------------------------------------------------------------- the same whoever asks

_DIGESTS = """
import json, sys
{imports}
import strategies
from strategies.language.effects import called_functions, effects
from strategies.language.hashing import content_hash
found = {{
    category: [content_hash(strategies.draw(category, {seed}, index)) for index in {indices}]
    for category in {categories}
}}
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    "imports",
    [
        "",
        "import decimal, xml.dom, concurrent.futures, harness.campaign",
        "import hypothesis.extra.numpy, numpy.random, unittest",
    ],
    ids=["alone", "campaign", "others"],
)
def test_draws_depend_on_nothing_but_seed_category_and_index(imports: str) -> None:
    indices = [9, 2, 0]
    code = _DIGESTS.format(imports=imports, seed=SEED, indices=indices, categories=list(CATEGORIES)[::-1])
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    for category in CATEGORIES:
        here = [stream(category)[index] for index in indices]
        assert found[category] == [content_hash(p) for p in here if p is not None]


def test_draws_do_not_depend_on_what_was_drawn_before() -> None:
    first = [strategies.draw("compound", 3, index) for index in range(4)]
    strategies.draw("unary", 3, 0)
    again = [strategies.draw("compound", 3, index) for index in (3, 1, 0, 2)]
    assert [again[2], again[1], again[3], again[0]] == first


def test_another_seed_gives_other_programs() -> None:
    ours = {content_hash(p) for p in drawn("elementwise")[:20]}
    others = {content_hash(p) for i in range(20) if (p := strategies.draw("elementwise", SEED + 1, i))}
    assert not ours & others


@pytest.mark.parametrize("category", CATEGORIES)
def test_kernels_is_an_ordinary_strategy(category: str) -> None:
    seen: list[Program] = []

    @settings(
        max_examples=5,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.kernels(category))
    def collect(program: Program) -> None:
        seen.append(program)

    collect()
    assert seen
    for program in seen:
        assert type(program) is Program
        assert program.category == category
        check_program(program, result_type)


def test_the_strategy_is_made_once() -> None:
    assert strategies.kernels("loop") is strategies.kernels("loop")


def test_an_unknown_category_is_named_in_a_sentence() -> None:
    with pytest.raises(UnknownCategory, match=r"^there is no category 'nope'; there are elementwise, .*compound"):
        strategies.kernels("nope")
    with pytest.raises(UnknownCategory):
        strategies.draw("nope", 0, 0)


# ---------------------------------------------------------------- names


def threads_of(program: Program) -> tuple[str, ...]:
    begin = program.body[0]
    assert isinstance(begin, ThreadIndex)
    return begin.names


def test_all_names_but_those_that_every_kernel_has_come_from_one_pool() -> None:
    for category in CATEGORIES:
        words = {word for p in drawn(category) for word in defined_names(p) - {*threads_of(p)}}
        assert plain(words) <= set(names.NAMES)
        assert len(words) > 0.9 * len(names.NAMES)
        for program in drawn(category):
            verb, noun = program.name.split("_")
            assert verb in names.VERBS
            assert noun in names.NOUNS
            assert any(threads_of(program) == pool[: len(program.launch)] for pool in names.THREADS)


def test_no_name_tells_the_category() -> None:
    for category in CATEGORIES:
        words = {w for p in drawn(category) for w in (p.name, *defined_names(p))}
        assert not any(category in word for word in words)


def plain(names_: Iterable[str]) -> set[str]:
    """Names without what says what they are of: a decorator, or ``wp.constant``, says the same beside it."""
    return {name.removeprefix("adj_").removeprefix("replay_").removeprefix("make_").lower() for name in names_} - {
        "ret"
    }


def bound_in(source: str) -> set[str]:
    """Every name that the text of a program binds, whatever node it comes from: what a reader of the text sees.

    What it calls a type that has no name in Warp, ``mat24``, is the type's notation.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return {name for name in found if not is_alias(name)}


def test_no_name_in_the_text_is_unknown_to_the_tree() -> None:
    for category in CATEGORIES:
        for program in drawn(category)[:EVALUATED]:
            structs = struct_types(program)
            types_ = {struct.name for struct in structs} | {field for struct in structs for field, _ in struct.fields}
            assert bound_in(render(program)) == {program.name, *defined_names(program), *types_}


def words_of(program: Program) -> list[str]:
    """Every name that is bound in the text of a program, those of its kernel in words.

    Of the thread's indices the first alone: how many dimensions a launch has, no choice of names can hide.
    """
    bound = bound_in(render(program)) - {program.name, *threads_of(program)[1:]}
    return sorted({*program.name.split("_"), *plain(bound)})


def guesses(train: dict[str, list[list[str]]], test: dict[str, list[list[str]]]) -> int:
    """How many of `test` naive Bayes over words assigns to the category that they are of.

    All categories give it equally many words to learn from: else the best-known words are those of the
    category with the longest kernels, and how *many* names a kernel has, which no choice of names can hide,
    would show through which of them are known.
    """
    known = {label: [word for words in kernels for word in words] for label, kernels in train.items()}
    least = min(map(len, known.values()))
    vocabulary = {word: n for n, word in enumerate(sorted({w for words in known.values() for w in words}))}
    logs = np.zeros((len(known), len(vocabulary)))
    for row, words in zip(logs, known.values(), strict=True):
        np.add.at(row, [vocabulary[w] for w in words[:least]], 1)
    logs = np.log((logs + 1) / (logs + 1).sum(axis=1, keepdims=True))
    right = 0
    for number, label in enumerate(known):
        for words in test[label]:
            scores = logs[:, [vocabulary[w] for w in words if w in vocabulary]].sum(axis=1)
            right += int(np.argmax(scores) == number)
    return right


def split(kernels: dict[str, list[list[str]]]) -> tuple[dict[str, list[list[str]]], dict[str, list[list[str]]]]:
    return ({k: v[::2] for k, v in kernels.items()}, {k: v[1::2] for k, v in kernels.items()})


#: Guesses of a classifier that knows nothing are binomial: more than five standard deviations above their mean
#: happen by chance once in three million draws of this test.
DEVIATIONS = 5


def most_by_chance(trials: int, classes: int) -> float:
    chance = 1 / classes
    return trials * chance + DEVIATIONS * math.sqrt(trials * chance * (1 - chance))


def test_a_classifier_of_names_finds_no_category() -> None:
    train, test = split({c: [words_of(p) for p in drawn(c)] for c in CATEGORIES})
    assert guesses(train, test) <= most_by_chance(sum(map(len, test.values())), len(CATEGORIES))


def test_a_classifier_of_names_finds_no_seed() -> None:
    few = list(CATEGORIES)[:3]
    other = [p for c in few for i in range(DRAWS) if (p := strategies.draw(c, SEED + 1, i)) is not None]
    kernels = {"this": [words_of(p) for c in few for p in drawn(c)], "other": [words_of(p) for p in other]}
    train, test = split(kernels)
    assert guesses(train, test) <= most_by_chance(sum(map(len, test.values())), 2)


def test_the_classifier_finds_a_name_that_tells() -> None:
    """What the parts of a kernel look like when each has a pool of its own."""

    def told(program: Program) -> list[str]:
        # pools of three names, or too few kernels share one for that to be learned
        loops = [f"loop_{ord(node.name[0]) % 3}" for node in walk(program) if isinstance(node, For)]
        kinds = [("array" if isinstance(p.type, Array) else "scalar", ord(p.name[0]) % 3) for p in program.parameters]
        return [*loops, *(f"{kind}_{which}" for kind, which in kinds)]

    train, test = split({c: [told(p) for p in drawn(c)] for c in CATEGORIES})
    assert guesses(train, test) > most_by_chance(sum(map(len, test.values())), len(CATEGORIES))


# ---------------------------------------------------------------- of the kind that was asked for


def data(program: Program) -> list[Parameter]:
    """The arrays that indexed arrays are parts of."""
    return [program.parameter(data_of(given.name)) for given in program.indexed]


def tiles_of(program: Program) -> set[Tile]:
    return {of for node in walk(program) if isinstance(of := getattr(node, "type", None), Tile)}


def partly_indexed(program: Program) -> Callable[[IndexedParameter], bool]:
    return lambda given: len(given.axes) < len(program.parameter(data_of(given.name)).shape)


def has(*kinds: type[Node]) -> Callable[[Node], bool]:
    return lambda program: any(isinstance(node, kinds) for node in walk(program))


def depth(node: Node, kind: type[Node]) -> int:
    """How deep nodes of a kind are nested."""
    from strategies.language.nodes import children

    return isinstance(node, kind) + max((depth(child, kind) for child in children(node)), default=0)


def element_types(program: Program) -> list[Type]:
    return [p.type.dtype if isinstance(p.type, Array) else p.type for p in program.parameters]


def has_vectors(program: Program) -> bool:
    return any(isinstance(getattr(node, "type", None), Vector) for node in walk(program)) or any(
        isinstance(of, Vector) for of in element_types(program)
    )


def statements(program: Program) -> int:
    return sum(isinstance(node, Assign | AugmentedAssign | Atomic) for node in program.body)


def inputs(program: Program) -> list[Parameter]:
    return [p for p in program.arrays if not p.output]


def bounds(program: Program) -> list[For]:
    return [node for node in walk(program) if isinstance(node, For)]


BITWISE = ("bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert")


def applies(*ops: str) -> Callable[[Program], bool]:
    return lambda p: any(
        (isinstance(x, Apply) and x.op in ops) or (isinstance(x, AugmentedAssign) and x.operator in ops)
        for x in walk(p)
    )


def numbers(program: Program) -> set[Scalar]:
    """The types of the numbers in a kernel."""
    found = {element_scalar(of) for x in walk(program) if isinstance(of := getattr(x, "type", None), Type)}
    return {of for of in found if of.kind != "bool"}


def works_in(kind: str) -> Callable[[Program], bool]:
    return lambda p: any(of.kind == kind for of in numbers(p))


def moved(node: Node) -> bool:
    """Whether a node reads an array at a computed index."""
    return isinstance(node, Element) and any(isinstance(index, Apply) for index in node.indices)


def names_places(program: Program) -> bool:
    """Whether a computed index has a name."""
    return any(isinstance(s, Assign) and isinstance(s.value, Apply) and s.value.type is INT32 for s in walk(program))


def gathers(program: Program) -> bool:
    """Whether an index array is read, and its elements are used."""
    return any(q.type is array(INT32, len(q.shape)) for q in inputs(program)) and has(Element)(program)


def bounds_of_loops(program: Program) -> list[Expression]:
    return [b for f in bounds(program) for b in (f.start, f.stop, f.step) if b is not None]


def reads_local(program: Program, node: Node) -> bool:
    parameters = {p.name for p in program.parameters}
    return any(isinstance(n, Name) and n.name not in parameters for n in walk(node))


def changes_its_index(program: Program) -> bool:
    return any(
        isinstance(n, Assign | AugmentedAssign) and isinstance(n.target, Name) and n.target.name == f.name
        for f in bounds(program)
        for n in walk(f)
    )


def trips(loop: For) -> int:
    """How often a loop with literal bounds runs, without its exits."""
    parts = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    values = [b.value for b in parts if isinstance(b, Literal)]
    return len(range(*map(int, values)))


def counts(program: Program) -> bool:
    """Whether a ``while`` loop assigns integers alone."""
    return any(
        isinstance(loop, While)
        and all(element_scalar(n.target.type).is_integer for n in walk(loop) if isinstance(n, Assign | AugmentedAssign))
        for loop in walk(program)
    )


def swaps(program: Program) -> bool:
    """Whether a tuple of names is assigned to some of the same names."""
    unpacked = [n for n in walk(program) if isinstance(n, Unpack)]
    return any(
        {t.name for t in n.targets if isinstance(t, Name)} & {v.name for v in n.values if isinstance(v, Name)}
        for n in unpacked
    )


def keeps_truth(node: Node) -> bool:
    """Whether a local is given a truth value."""
    return any(isinstance(n, Assign) and isinstance(n.target, Name) and n.target.type is BOOL for n in walk(node))


def guards_a_read(program: Program) -> bool:
    """Whether an operand of ``and`` or ``or`` reads an array at a name that another operand compares."""

    def guards(node: Logical) -> bool:
        compared = {place for test in node.operands if isinstance(test, Compare) for place in test.operands}
        reads = [n for operand in node.operands for n in walk(operand) if isinstance(n, Element)]
        return any(isinstance(place, Name) and place in compared for read in reads for place in read.indices)

    return any(isinstance(n, Logical) and guards(n) for n in walk(program))


def carries(program: Program) -> bool:
    """Whether a loop gives a sum a name of its own before it becomes the sum: ``t = s + y``, later ``s = t``."""
    return any(
        isinstance(last, Assign)
        and any(
            isinstance(s, Assign)
            and isinstance(s.value, Apply)
            and s.value.op == "add"
            and s.target == last.value
            and last.target in s.value.arguments
            for s in loop.body
        )
        for loop in bounds(program)
        for last in loop.body
    )


def leaves_a_border(node: Node) -> bool:
    """Whether a slice leaves out what is first and last, ``1:-1``."""
    return isinstance(node, Slice) and node.start == Literal(INT32, 1) and node.stop == Literal(INT32, -1)


def tests_a_name(node: Node) -> bool:
    """Whether a branch tests a truth value by its name."""
    return isinstance(node, If) and isinstance(node.test, Name)


def sloping(program: Program) -> list[Function]:
    """The functions with a gradient of their own."""
    return [f for f in program.functions if f.own_gradient]


def adjoints(program: Program) -> list[Statement]:
    """The statements of gradients that are written out."""
    return [statement for f in program.functions for statement in f.adjoint]


WORD = scalar("uint32")


def passed(program: Program) -> list[Parameter]:
    """The parameters of a program's functions."""
    return [p for f in program.functions for p in f.parameters]


def has_call(node: Node) -> bool:
    return any(isinstance(n, Call) for n in walk(node))


def early_return(program: Program) -> bool:
    """Whether a function returns from a branch or a loop."""
    return any(has_return(s) for f in program.functions for s in f.body[:-1])


def has_return(node: Node) -> bool:
    return any(isinstance(n, Return) for n in walk(node))


def atomics(program: Program) -> set[str]:
    return {node.op for node in walk(program) if isinstance(node, Atomic)}


def returns_an_old_value(program: Program) -> bool:
    taken = [n for f in program.functions for n in walk(f) if isinstance(n, Atomic) and n.result is not None]
    return bool(taken) and any(f.type is INT32 for f in program.functions)


def is_composite(of: Type) -> bool:
    return isinstance(of, Array) and not isinstance(of.dtype, Scalar)


def changes_element(node: Node) -> bool:
    return isinstance(node, AugmentedAssign) and isinstance(node.target, Element)


def adds_to_shared(program: Program) -> bool:
    """Whether threads add in place to cells, or to numbers in them, that their indices alone do not tell apart."""
    threads = next(set(n.names) for n in walk(program) if isinstance(n, ThreadIndex))
    outputs = {parameter.name for parameter in program.outputs}
    targets = [root(n.target) for n in walk(program) if isinstance(n, AugmentedAssign)]
    return any(
        isinstance(target, Element)
        and target.array in outputs
        and not threads <= {index.name for index in target.indices if isinstance(index, Name)}
        for target in targets
    )


def adds_up(program: Program) -> bool:
    return has(Atomic)(program) or adds_to_shared(program)


def writes_element(node: Node) -> bool:
    return changes_element(node) or (isinstance(node, Assign) and isinstance(node.target, Element))


def stores_through_a_view(program: Program) -> bool:
    views = {s.target.name for s in walk(program) if isinstance(s, Assign) and isinstance(s.value, View)}  # type: ignore[union-attr]
    targets = [s.target for s in walk(program) if isinstance(s, Assign | AugmentedAssign)]
    return any(isinstance(target, Element) and target.array in views for target in targets)


#: category: what to look for, and in how many of 100 kernels it must be at least
def works_on(form: str) -> Callable[[Program], bool]:
    """Whether an operation takes or gives a value of a form."""

    def holds(program: Program) -> bool:
        return any(
            isinstance(of, Composite) and of.form.startswith(form)
            for node in walk(program)
            if isinstance(node, Apply)
            for of in (*node.argument_types, node.type)
        )

    return holds


def holds_a(kind: type[Type]) -> Callable[[Program], bool]:
    """Whether a struct has a field of a kind."""
    return lambda p: any(isinstance(of, kind) for struct in struct_types(p) for _, of in struct.fields)


def stores_in(kind: type[Node]) -> Callable[[Program], bool]:
    """Whether a statement assigns to a target of a kind."""
    return lambda p: any(isinstance(x, Assign | AugmentedAssign) and isinstance(x.target, kind) for x in walk(p))


def is_flag(node: Node) -> bool:
    """Whether a node is a field that is a truth value."""
    return isinstance(node, Field) and node.type is BOOL


def captures_several(program: Program) -> bool:
    closures = [f.closure for f in program.functions if f.closure is not None]
    return any(isinstance(constant.value, Numbers) for closure in closures for constant in closure.numbers)


def takes_integers(program: Program) -> bool:
    """Whether something generic has an instance in which its parameters are whole numbers."""
    integers = any(isinstance(of, Scalar) and of.is_integer for of in program.overloads)
    generic = [q for q in passed(program) if q.generic]
    return integers or any(element_scalar(q.type).is_integer for q in generic)


def operations(program: Program) -> set[str]:
    return {node.op for node in walk(program) if isinstance(node, Apply)}


def holds_a_flag(program: Program) -> bool:
    return any(of is BOOL for struct in struct_types(program) for _, of in struct.fields)


def sets_a_flag(program: Program) -> bool:
    return any(isinstance(n, Assign) and is_flag(n.target) for n in walk(program))


def branches_on_a_flag(program: Program) -> bool:
    tests = [n.test for n in walk(program) if isinstance(n, If | Conditional)]
    return any(is_flag(part) for test in tests for part in walk(test))


def stores_in_component_of_an_element(program: Program) -> bool:
    targets = [x.target for x in walk(program) if isinstance(x, Assign | AugmentedAssign)]
    return any(isinstance(target, Component) and isinstance(target.base, Element) for target in targets)


SAMPLES = [row.name for row in ROWS if row.name.startswith("sample_")]
CURLS = [row.name for row in ROWS if row.spelling_of == "curlnoise"]
FREQUENCIES: list[tuple[str, str, Callable[[Program], bool], int]] = [
    ("control_flow", "a loop", has(For, While), 70),
    ("control_flow", "a branch or a choice", has(If, Conditional), 40),
    ("access", "a view", has(View), 45),
    ("access", "a part of a value", has(Component), 35),
    ("elementwise", "an array input", lambda p: len(inputs(p)) >= 1, 100),
    ("elementwise", "two or more array inputs", lambda p: len(inputs(p)) >= 2, 25),
    ("elementwise", "one output", lambda p: len(p.outputs) == 1, 100),
    ("elementwise", "no branch and no loop", lambda p: not has(If, For)(p), 100),
    ("scalar_array", "a scalar parameter", lambda p: any(isinstance(q.type, Scalar) for q in p.parameters), 100),
    ("scalar_array", "an array input", lambda p: bool(inputs(p)), 95),
    (
        "scalar_array",
        "scalars that are no floats",
        lambda p: any(isinstance(q.type, Scalar) and q.type.is_integer for q in p.parameters),
        40,
    ),
    ("unary", "one input array", lambda p: len(inputs(p)) == 1, 95),
    ("unary", "no branch and no loop", lambda p: not has(If, For)(p), 100),
    ("branch", "a branch or a ternary", has(If, Conditional), 98),
    ("branch", "a branch", has(If), 80),
    ("branch", "an else", lambda p: any(isinstance(s, If) and s.orelse for s in walk(p)), 40),
    (
        "branch",
        "an elif",
        lambda p: any(isinstance(s, If) and len(s.orelse) == 1 and isinstance(s.orelse[0], If) for s in walk(p)),
        15,
    ),
    ("branch", "an early return", has(Return), 10),
    ("branch", "no loop", lambda p: not has(For)(p), 100),
    ("loop", "a loop", has(For), 100),
    ("loop", "a nested loop", lambda p: depth(p, For) >= 2, 10),
    ("loop", "a break or a continue", has(Break, Continue), 20),
    ("loop", "a bound that is no literal", lambda p: any(not isinstance(f.stop, Literal) for f in bounds(p)), 20),
    ("loop", "a step", lambda p: any(f.step is not None for f in bounds(p)), 25),
    ("loop", "an accumulation", has(AugmentedAssign), 80),
    ("reduction", "an atomic, or a sum in place", adds_up, 100),
    ("reduction", "a sum in place into a cell that threads share", adds_to_shared, 15),
    (
        "reduction",
        "a minimum or a maximum",
        lambda p: any(isinstance(s, Atomic) and s.op[7:] in ("min", "max") for s in walk(p)),
        20,
    ),
    ("reduction", "a condition", has(If), 25),
    ("reduction", "a target of several cells", lambda p: any(max(o.shape) > 1 for o in p.outputs), 40),
    ("vector", "a vector", has_vectors, 100),
    ("vector", "a constructor", has(Construct), 28),
    ("vector", "a component", has(Component), 24),
    (
        "vector",
        "a vector function",
        lambda p: any(isinstance(x, Apply) and OPS[x.op].group == "Vector Math" for x in walk(p)),
        40,
    ),
    ("multi_statement", "five statements", lambda p: statements(p) >= 5, 90),
    ("multi_statement", "at most 25 statements", lambda p: statements(p) <= 25, 100),
    ("multi_statement", "augmented assignment", has(AugmentedAssign), 80),
    ("multi_statement", "no branch and no loop", lambda p: not has(If, For)(p), 95),
    # what is dead is removed, at times a branch with it
    ("nested_branch", "branches two deep", lambda p: depth(p, If) >= 2, 97),
    ("nested_branch", "branches three deep", lambda p: depth(p, If) >= 3, 40),
    (
        "nested_branch",
        "and, or, not",
        lambda p: has(Logical)(p) or any(isinstance(x, Apply) and x.op == "unot" for x in walk(p)),
        60,
    ),
    (
        "nested_branch",
        "a chain of comparisons",
        lambda p: any(isinstance(x, Compare) and len(x.operators) > 1 for x in walk(p)),
        10,
    ),
    ("builtin", "two operations", lambda p: sum(isinstance(x, Apply) for x in walk(p)) >= 2, 95),
    ("builtin", "no branch and no loop", lambda p: not has(If, For)(p), 100),
    ("integer", "an integer array", lambda p: any(element_scalar(q.type).is_integer for q in inputs(p)), 95),
    ("integer", "a division or a remainder", applies("div", "floordiv", "mod"), 45),
    ("integer", "an unsigned type", works_in("uint"), 30),
    ("integer", "a change in place", has(AugmentedAssign), 30),
    ("bitwise", "an operation on bits", applies(*BITWISE), 95),
    ("bitwise", "a shift", applies("lshift", "rshift"), 40),
    ("bitwise", "a change in place", has(AugmentedAssign), 25),
    ("conversion", "a conversion", has(Cast), 98),
    ("conversion", "three types of numbers", lambda p: len(numbers(p)) >= 3, 45),
    ("precision", "two precisions", lambda p: sum(of.is_float for of in numbers(p)) >= 2, 90),
    ("precision", "a half", lambda p: FLOAT16 in numbers(p), 50),
    ("precision", "a double", lambda p: FLOAT64 in numbers(p), 50),
    ("precision", "a sum in a loop", lambda p: any(has(AugmentedAssign, Assign)(f) for f in bounds(p)), 30),
    ("precision", "a sum with what was rounded away", carries, 3),
    ("precision", "a number of eight bits", lambda p: any(of.bits == 8 for of in numbers(p)), 2),
    ("ternary", "a conditional expression", has(Conditional), 100),
    ("ternary", "two of them, one in another", lambda p: depth(p, Conditional) >= 2, 10),
    ("ternary", "no branch and no loop", lambda p: not has(If, For)(p), 100),
    ("gather_scatter", "a read through an index array", gathers, 80),
    ("gather_scatter", "a sum or an extreme at an index", adds_up, 40),
    ("gather_scatter", "a sum in place at an index", adds_to_shared, 7),
    ("gather_scatter", "a store at a permuted place", lambda p: not adds_up(p), 30),
    ("stencil", "a read beside the thread's place", lambda p: any(map(moved, walk(p))) or names_places(p), 98),
    ("stencil", "a window", has(For), 20),
    ("stencil", "an interior", has(If), 20),
    ("while_loop", "a while loop", has(While), 100),
    ("while_loop", "nested loops", lambda p: depth(p, While) >= 2, 5),
    ("while_loop", "a break or a continue", has(Break, Continue), 15),
    (
        "while_loop",
        "a test of several conditions",
        lambda p: any(isinstance(s, While) and isinstance(s.test, Logical) for s in walk(p)),
        3,
    ),
    ("while_loop", "a loop that only counts", counts, 35),
    ("dynamic_loop", "a bound that is no literal", lambda p: any(map(is_dynamic, bounds(p))), 100),
    ("dynamic_loop", "nested loops", lambda p: depth(p, For) >= 2, 5),
    ("dynamic_loop", "a bound out of an array", lambda p: any(has(Element)(b) for b in bounds_of_loops(p)), 20),
    ("dynamic_loop", "a length of an array", lambda p: any(has(Extent)(b) for b in bounds_of_loops(p)), 8),
    ("dynamic_loop", "a local as a bound", lambda p: any(reads_local(p, b) for b in bounds_of_loops(p)), 20),
    ("dynamic_loop", "a loop that changes its index", changes_its_index, 1),
    ("loop_exit", "a break", has(Break), 25),
    ("loop_exit", "a continue", has(Continue), 25),
    ("loop_exit", "a return from a loop", lambda p: any(has(Return)(f) for f in bounds(p)), 20),
    (
        "loop_exit",
        "a loop near the length that is unrolled",
        lambda p: any(trips(f) in WEIGHTS.loops.edge for f in bounds(p)),
        30,
    ),
    ("loop_exit", "an empty loop", lambda p: any(trips(f) == 0 for f in bounds(p)), 1),
    ("loop_exit", "an index of two loops", lambda p: len({f.name for f in bounds(p)}) < len(bounds(p)), 15),
    ("function", "a function", lambda p: bool(p.functions), 100),
    (
        "function",
        "functions that nothing calls: none",
        lambda p: called_functions(p) == {f.name for f in p.functions},
        98,
    ),
    ("function", "a function that calls another", lambda p: any(has_call(f) for f in p.functions), 20),
    ("function", "a return before the end", early_return, 15),
    ("function", "a loop in a function", lambda p: any(has(For, While)(f) for f in p.functions), 25),
    ("function", "an array that is passed", lambda p: any(isinstance(q.type, Array) for q in passed(p)), 35),
    ("function", "a default", lambda p: any(q.default is not None for q in passed(p)), 20),
    ("function", "an argument by name", lambda p: any(isinstance(n, Call) and n.keywords for n in walk(p)), 15),
    ("function", "several results", has(Unpack), 12),
    ("function", "a function that changes an array", lambda p: any(q.output for q in passed(p)), 18),
    ("atomics", "an atomic, or a sum in place that is one", adds_up, 100),
    ("atomics", "a sum in place that is one", adds_to_shared, 8),
    ("atomics", "a returned value", lambda p: any(isinstance(a, Atomic) and a.result for a in walk(p)), 35),
    ("atomics", "a comparison and exchange", lambda p: "atomic_cas" in atomics(p), 10),
    ("atomics", "an operation on bits", lambda p: bool(atomics(p) & {"atomic_and", "atomic_or", "atomic_xor"}), 20),
    ("atomics", "cells of three or four dimensions", lambda p: any(len(a.shape) > 2 for a in p.outputs), 20),
    ("atomics", "a vector or a matrix", lambda p: any(is_composite(a.type) for a in p.outputs), 5),
    ("inplace", "an element changed in place", lambda p: any(map(changes_element, walk(p))), 70),
    ("inplace", "a cell that is read and written", lambda p: bool(effects(p).read & effects(p).written), 70),
    ("inplace", "several changes of one array", lambda p: sum(map(writes_element, walk(p))) > 2, 80),
    ("inplace", "an element in a tuple", has(Unpack), 2),
    ("inplace", "a sum into a cell that threads share", adds_to_shared, 15),
    ("local_array", "an array of the thread's own", has(Zeros), 100),
    (
        "local_array",
        "one of two dimensions",
        lambda p: any(len(n.shape) == 2 for n in walk(p) if isinstance(n, Zeros)),
        20,
    ),
    ("local_array", "a loop over it", has(For), 70),
    ("local_array", "elements out of order that are exchanged", has(If), 10),
    ("multi_dim", "a view", has(View), 80),
    ("multi_dim", "a slice", has(Slice), 45),
    ("multi_dim", "a slice with a step", lambda p: any(isinstance(s, Slice) and s.step for s in walk(p)), 15),
    ("multi_dim", "a launch of four dimensions", lambda p: len(p.launch) == 4, 12),
    ("multi_dim", "an array of four dimensions", lambda p: any(len(a.shape) == 4 for a in p.arrays), 40),
    ("multi_dim", "a store through a view", stores_through_a_view, 20),
    ("multi_dim", "a loop along an axis", has(For), 35),
    ("multi_dim", "a border that is left out", lambda p: any(map(leaves_a_border, walk(p))), 1),
    ("tuple", "a function with several results", lambda p: any(isinstance(f.type, Tuple) for f in p.functions), 100),
    ("tuple", "several values at once", has(Unpack), 98),
    ("tuple", "locals that change places", swaps, 30),
    ("tuple", "tuples in a loop", lambda p: any(has(Unpack)(f) for f in bounds(p)), 12),
    ("tuple", "tuples in a branch", lambda p: any(has(Unpack)(s) for s in walk(p) if isinstance(s, If)), 12),
    ("boolean", "a truth value kept in a local", keeps_truth, 80),
    ("boolean", "and, or", has(Logical), 55),
    ("boolean", "an array of bools", lambda p: any(element_scalar(q.type) is BOOL for q in p.arrays), 60),
    ("boolean", "an accumulated truth value", lambda p: any(keeps_truth(f) for f in bounds(p)), 10),
    ("boolean", "a place that is tested before it is read", guards_a_read, 3),
    ("boolean", "a search that ends early", lambda p: any(has(Break)(f) and keeps_truth(f) for f in bounds(p)), 2),
    ("boolean", "a branch on a truth value kept", lambda p: any(tests_a_name(s) for s in walk(p)), 15),
    ("boolean", "an operand with an effect", lambda p: any(q.output for q in passed(p)), 12),
    ("custom_gradient", "a gradient of its own", lambda p: any(f.own_gradient for f in p.functions), 100),
    ("custom_gradient", "a gradient of a few lines", lambda p: any(f.adjoint for f in p.functions), 35),
    ("custom_gradient", "a gradient with a test", lambda p: any(has(If)(s) for s in adjoints(p)), 15),
    ("custom_gradient", "a gradient with locals", lambda p: any(has(Assign)(s) for s in adjoints(p)), 15),
    ("custom_gradient", "a gradient of two results", lambda p: any(len(f.cotangents) > 1 for f in sloping(p)), 6),
    (
        "custom_gradient",
        "a gradient by a vector",
        lambda p: any(isinstance(q.type, Vector) for f in sloping(p) for q in f.inclined),
        10,
    ),
    ("custom_gradient", "a replay of its own", lambda p: any(f.replay for f in p.functions), 15),
    ("custom_gradient", "wp.grad", lambda p: any(isinstance(n, Call) and n.derivative for n in walk(p)), 15),
    ("custom_gradient", "several of them", lambda p: len(sloping(p)) > 1, 20),
    ("matrix", "an operation on matrices", works_on("mat"), 85),
    ("matrix", "a product, an inverse or a determinant", applies("mul", "inverse", "determinant", "transpose"), 50),
    ("random", "a draw", applies("randf", "randi", "randn", *SAMPLES, "poisson", "randu"), 95),
    ("atomics", "an atomic in a function", lambda p: any(has(Atomic)(f) for f in p.functions), 10),
    ("atomics", "one in a function that tells what it found", returns_an_old_value, 1),
    ("function", "an atomic on cells that threads share", lambda p: any(has(Atomic)(f) for f in p.functions), 8),
    ("random", "a function that draws", lambda p: any(has(Apply)(f) for f in p.functions), 15),
    ("random", "a state that is passed", lambda p: any(q.type is WORD for q in passed(p)), 8),
    ("random", "a state that is given back", lambda p: any(WORD in f.results for f in p.functions), 3),
    ("random", "a point", applies(*SAMPLES), 35),
    ("random", "a count", applies("poisson"), 10),
    ("random", "noise", applies("noise", "pnoise", *CURLS), 15),
    ("quaternion", "an operation on quaternions", works_on("quat"), 95),
    ("transform", "an operation on transformations", works_on("transform"), 95),
    ("spatial", "an operation on spatial vectors", works_on("vec6"), 85),
    ("struct", "a struct", lambda p: bool(struct_types(p)), 100),
    ("struct", "an array of structs", lambda p: any(s.ndim for s in p.structs), 88),
    ("struct", "a struct as a parameter", lambda p: any(not s.ndim for s in p.structs), 35),
    ("struct", "a struct in a struct", holds_a(Struct), 8),
    ("struct", "a truth value in a struct", holds_a_flag, 20),
    ("struct", "a branch on such a field", branches_on_a_flag, 12),
    ("struct", "such a field that is changed", sets_a_flag, 8),
    ("struct", "a field that is changed", stores_in(Field), 45),
    ("struct", "a function", lambda p: bool(p.functions), 35),
    ("lvalue", "an element", stores_in(Element), 70),
    ("lvalue", "a component", stores_in(Component), 75),
    ("lvalue", "a component of an element", stores_in_component_of_an_element, 30),
    ("lvalue", "an operator in place", has(AugmentedAssign), 75),
    ("lvalue", "a loop", has(For), 10),
    ("lvalue", "a branch", has(If), 25),
    ("lvalue", "a field of an array of structs", lambda p: bool(p.structs), 12),
    ("lvalue", "a row of an array", has(View), 8),
    ("idiom", "a loop", has(For, While), 35),
    ("idiom", "a vector", has_vectors, 50),
    ("idiom", "a branch or a choice", has(If, Conditional), 25),
    ("idiom", "a sum in place", has(AugmentedAssign), 45),
    ("idiom", "an atomic, or a sum in place that is one", adds_up, 18),
    ("constant", "a constant of the module", has(Constant), 85),
    ("constant", "a vector, a matrix or a quaternion of the module", has(Numbers), 15),
    ("constant", "a factory that captures such", captures_several, 2),
    ("constant", "a static expression", has(Static), 35),
    ("constant", "a table", has(Item), 10),
    ("constant", "a function", lambda p: bool(p.functions), 20),
    ("generic", "a generic kernel", lambda p: bool(p.overloads), 35),
    ("generic", "several instances of a kernel", lambda p: len(p.overloads) > 1, 20),
    ("generic", "a generic function", lambda p: any(q.generic for f in p.functions for q in f.parameters), 50),
    ("generic", "two functions of one name", lambda p: bool(groups(p)), 35),
    ("generic", "an instance for integers", takes_integers, 15),
    ("generic", "the length of a vector that is asked for", lambda p: "len" in operations(p), 2),
    ("generic", "overloads", lambda p: any(not q[0].parameters[0].generic for q in groups(p).values()), 8),
    ("generic", "anything generic or overloaded", is_generic, 97),
    ("lvalue", "a slice of a vector or a matrix", has(Part), 7),
    ("lvalue", "a slice assigned", lambda p: any(isinstance(getattr(x, "target", None), Part) for x in walk(p)), 2),
    ("module_option", "options", lambda p: p.options is not None, 100),
    ("module_option", "a length that is unrolled", lambda p: p.options.max_unroll is not None, 70),
    ("module_option", "no backward pass", lambda p: p.options.enable_backward is False, 10),
    ("module_option", "another mode or unfused sums", lambda p: bool({"mode", "fuse_fp"} & {*p.options.of_module}), 15),
    (
        "module_option",
        "a loop beside that length",
        lambda p: any(abs(trips(f) - max_unroll(p)) < 3 for f in bounds(p)),
        90,
    ),
    ("compound", "a branch or a loop", has(If, For), 70),
    ("compound", "a loop", has(For), 35),
    ("compound", "a vector", has_vectors, 35),
    ("indexed_array", "an indexed array", lambda p: bool(p.indexed), 100),
    ("indexed_array", "an axis that is not indexed", lambda p: any(map(partly_indexed(p), p.indexed)), 20),
    ("indexed_array", "one that is written", lambda p: any(o.name in all_members(p) for o in p.outputs), 15),
    ("indexed_array", "a loop over what is chosen", has(For), 30),
    ("indexed_array", "a branch", has(If), 8),
    ("indexed_array", "two or more dimensions", lambda p: any(len(o.shape) > 1 for o in data(p)), 40),
    ("tile", "a tile that is loaded, or set number by number", applies("tile_load", "tile_zeros"), 100),
    ("tile", "numbers in the order of keys", lambda p: any(isinstance(n, Unpack) and sorts(n) for n in walk(p)), 5),
    ("tile", "a tile that is stored", has(TileStore), 30),
    ("tile", "a reduction", applies(*REDUCTIONS), 40),
    ("tile", "a tile of two dimensions", lambda p: any(len(of.shape) == 2 for of in tiles_of(p)), 40),
    ("tile", "a product of matrices", applies("tile_matmul"), 8),
    ("tile", "a function that is mapped", lambda p: any(isinstance(n, Call) for n in walk(p)), 10),
    ("tile", "a broadcast", applies("tile_broadcast"), 20),
    ("compound", "an atomic", has(Atomic), 35),
    (
        "compound",
        "a store",
        lambda p: any(isinstance(s, Assign) and isinstance(s.target, Element) for s in walk(p)),
        95,
    ),
]


@pytest.mark.parametrize(
    ("category", "what", "holds", "least"), FREQUENCIES, ids=[f"{row[0]}-{row[1]}" for row in FREQUENCIES]
)
def test_a_category_holds_what_it_is_for(
    category: str, what: str, holds: Callable[[Program], bool], least: int
) -> None:
    programs = drawn(category)
    share = 100 * sum(map(holds, programs)) / len(programs)
    assert share >= least, f"{what}: in {share:.0f} of 100"


def test_every_category_has_frequencies_here() -> None:
    assert {row[0] for row in FREQUENCIES} == set(CATEGORIES)


def test_every_kernel_begins_with_its_thread_index() -> None:
    for category in CATEGORIES:
        for program in drawn(category):
            assert isinstance(program.body[0], ThreadIndex)


def test_kernels_stay_small_enough_to_read() -> None:
    lines = sorted(len(repr(p).splitlines()) for category in CATEGORIES for p in drawn(category))
    assert lines[len(lines) // 2] <= 25
    assert lines[-1] <= 90
