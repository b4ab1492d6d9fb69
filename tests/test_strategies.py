"""What is generated: valid by construction, varied, and the same whoever asks."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
from draws import DRAWS, EVALUATED, SEED, drawn, expectations, stream
from hypothesis import HealthCheck, Phase, given, settings

import strategies
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.check import check_program
from strategies.language.hashing import content_hash, outline_hash, structure_hash
from strategies.language.nodes import Apply, Node, Program, ThreadIndex, walk
from strategies.language.types import element_scalar
from strategies.ops import OPS, result_type
from strategies.statements import Sketch
from strategies.stream import UnknownCategory

ROOT = Path(__file__).resolve().parent.parent
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
    # of 200 in a row 170, the others atomics of integers mostly; and of 25 here a few less or more
    "access": 60,
}


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
        "import decimal, xml.dom, concurrent.futures, harness.campaign.campaign",
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


# ---------------------------------------------------------------- what all are alike in


def test_every_kernel_begins_with_its_thread_index() -> None:
    for category in CATEGORIES:
        for program in drawn(category):
            assert isinstance(program.body[0], ThreadIndex)


def test_kernels_stay_small_enough_to_read() -> None:
    lines = sorted(len(repr(p).splitlines()) for category in CATEGORIES for p in drawn(category))
    assert lines[len(lines) // 2] <= 25
    # a generic function is written beside its instances, and a gradient of its own beside it
    assert lines[-1] <= 100


def test_nothing_of_a_draw_is_kept() -> None:
    # a table that holds methods of the sketch must not end as the key of a cache
    for category in CATEGORIES:
        draw(category, 23, 0)
    gc.collect()
    assert not [kept for kept in gc.get_objects() if isinstance(kept, Sketch)]
