"""The reference against another that shares nothing with it: the source, run by Python, thread by thread."""

from __future__ import annotations

import numpy as np
import pytest
from evaluating import drawn, evaluate
from python_warp import BeyondThis, run_by_thread

from harness.oracle.inputs import Flavour, derive
from strategies.categories import CATEGORIES

#: What Python's own mathematics refuses where IEEE 754 gives NaN is for `test_nonfinite`.
FLAVOURS = (Flavour.GENERIC, Flavour.SPECIAL)
#: Of what a category draws, this share is within the other evaluator's reach, ...
REACHED = 0.5
#: ... but for algebra that it does not have: `test_algebra`, `test_random_numbers` and `test_tiles` have it, written
#: anew.
OTHER_ALGEBRA = frozenset(("matrix", "quaternion", "transform", "spatial", "random", "builtin", "tile"))
#: Types that Python's functions do not have, and arrays of two parts: for `test_generics` and `test_indexed_arrays`.
OTHER_TYPES = frozenset(("generic", "indexed_array"))


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: flavour.value)
@pytest.mark.parametrize("category", sorted(CATEGORIES.keys() - OTHER_ALGEBRA - OTHER_TYPES))
def test_lockstep_gives_what_thread_after_thread_gives(category: str, flavour: Flavour) -> None:
    reached = 0
    for program in drawn(category):
        inputs = derive(program, 1, flavour)
        try:
            expected = run_by_thread(program, inputs)
        except BeyondThis:
            continue
        reached += 1
        for native in (True, False):
            found = evaluate(program, inputs, native)
            for name, values in expected.items():
                np.testing.assert_allclose(
                    found[name].astype(np.float64),
                    np.array(values, dtype=np.float64),
                    rtol=1e-9,
                    atol=1e-9,
                    err_msg=f"{name} of\n{program!r}",
                )
    assert reached >= REACHED * len(drawn(category))


def test_the_comparison_would_notice_another_result() -> None:
    program = drawn("elementwise")[0]
    inputs = derive(program, 1, Flavour.GENERIC)
    moved = {n: v + 0.125 if v.dtype.kind == "f" else v for n, v in inputs.items()}
    (output,) = program.outputs
    assert not np.allclose(evaluate(program, inputs)[output.name], np.array(run_by_thread(program, moved)[output.name]))
