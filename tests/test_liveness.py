"""What proves nothing is not verified: results that do not depend on inputs, gradients that zero would pass for."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import AT, apply, literal, program_of

import strategies
from harness.jobs import ArrayArgument, ArrayResult, JobResult, LaunchResult, Status
from harness.launches import job
from harness.oracle.expectation import Cells, Expectation, expect
from harness.verdict import Tier
from harness.verify import judge
from strategies.categories import CATEGORIES
from strategies.language.nodes import Assign, Element, Expression, Parameter
from strategies.language.types import FLOAT32, INT32, array

#: the smallest float32
TINY = 2.0**-149
OUT = Element(FLOAT32, "out", (AT,))


def faint(a: Expression) -> Expression:
    """`a` times the smallest float: it has a gradient, and nobody can tell that from zero."""
    return apply("mul", a, literal(FLOAT32, TINY))


def test_a_gradient_within_its_tolerance_of_zero_proves_nothing() -> None:
    more = (Parameter("n", array(INT32), -9, 9, (6,)), Parameter("copy", array(INT32), 0, 0, (6,), True))
    copied = Assign(Element(INT32, "copy", (AT,)), Element(INT32, "n", (AT,)))
    found = expect(program_of(FLOAT32, copied, Assign(OUT, faint(Element(FLOAT32, "a", (AT,)))), more=more))
    gradient = found.gradients["a"]
    assert np.any(gradient.checked & (gradient.expected != 0))
    assert not found.alive
    assert found.promise.tier is Tier.FORWARD
    assert found.promise.reason == "no gradient is told from zero"


def test_results_that_differ_by_less_than_their_tolerance_do_not_depend_on_inputs() -> None:
    found = expect(program_of(FLOAT32, Assign(OUT, apply("sin", faint(Element(FLOAT32, "a", (AT,)))))))
    results, others = found.outputs["out"], found.special_outputs["out"]
    assert np.any(results.expected != others.expected)
    assert not results.differs_from(others).any()
    assert not found.alive


def test_a_result_that_is_compared_on_one_launch_alone_does_not_show_that_it_depends_on_inputs() -> None:
    one = Cells(np.array([1.0, 2.0, np.nan]), np.zeros(3), np.array([True, True, True]))
    other = Cells(np.array([5.0, 2.0, 1.0]), np.zeros(3), np.array([False, True, True]))
    assert one.differs_from(other).tolist() == [False, False, True]


def untouched(expectation: Expectation) -> JobResult:
    """What a kernel with an empty body leaves: everything as it was before each launch."""
    launches = []
    for launch in job(expectation, "emptied").launches:
        arrays: list[ArrayResult | None] = []
        for argument in launch.arguments:
            if not isinstance(argument, ArrayArgument):
                arrays.append(None)
                continue
            zeros = np.zeros_like(argument.data)
            left = zeros if argument.cotangent is None else argument.cotangent
            arrays.append(ArrayResult(argument.data, left if launch.backward else None, True, True))
        launches.append(LaunchResult(tuple(arrays), True if launch.twice else None))
    return JobResult(Status.OK, "launch", "", tuple(launches), "", None)


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_emptied_kernel_passes_for_no_kernel_that_can_be_verified(category: str) -> None:
    seen = 0
    for index in range(4):
        program = strategies.draw(category, 47, index)
        if program is None:
            continue
        expectation = expect(program)
        if expectation.promise.tier is not None:
            seen += 1
            assert not judge(expectation, untouched(expectation)).verified, repr(program)
    assert seen
