"""Results of real kernels, and changes to them that the oracle must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from harness.jobs import ArrayResult, JobResult
from harness.oracle.differences import differentiable_inputs
from harness.oracle.expectation import Expectation
from harness.verdict import FailureKind, Verdict
from harness.verify import judge
from strategies.language import types as t
from strategies.language.nodes import Parameter, Program, Statement

#: A change counts as one that must be seen if it is this many times the tolerance.
CLEAR = 2.5

#: Of the kernels that are drawn.
SEED = 31


@dataclass(frozen=True, eq=False)
class Run:
    """One kernel that was really built and run."""

    expectation: Expectation
    result: JobResult
    verdict: Verdict

    @property
    def program(self) -> Program:
        return self.expectation.program


def changed(result: JobResult, launch: int, position: int, **fields: Any) -> JobResult:
    """`result` with something else for one array of one launch."""
    launches = list(result.launches)
    arrays = list(launches[launch].arrays)
    array = arrays[position]
    assert array is not None
    arrays[position] = replace(array, **fields)
    launches[launch] = replace(launches[launch], arrays=tuple(arrays))
    return replace(result, launches=tuple(launches))


def array_of(run: Run, launch: int, position: int) -> ArrayResult:
    found = run.result.launches[launch].arrays[position]
    assert found is not None
    return found


def positions(run: Run, wanted: Callable[[Parameter], bool]) -> list[int]:
    return [
        n
        for n, parameter in enumerate(run.program.parameters)
        if isinstance(parameter.type, t.Array) and wanted(parameter)
    ]


def outputs(run: Run) -> list[int]:
    return positions(run, lambda p: p.output)


def float_inputs(run: Run) -> list[int]:
    wanted = {p.name for p in differentiable_inputs(run.program)}
    return positions(run, lambda p: p.name in wanted)


def in_last_place(values: np.ndarray[Any, Any], at: int = 0) -> np.ndarray[Any, Any]:
    """A copy whose value at `at` differs in its last bit."""
    found = values.copy()
    flat = found.reshape(-1)
    if flat.dtype.kind == "f":
        flat[at] = np.nextafter(flat[at], flat.dtype.type(np.inf))
    elif flat.dtype.kind == "b":
        flat[at] = not flat[at]
    else:
        flat[at] ^= 1
    return found


def failure_kind(run: Run, result: JobResult) -> FailureKind | None:
    found = judge(run.expectation, result).failure
    return None if found is None else found.kind


def clear_cells(run: Run, position: int, of: str, changed_values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which of the compared cells are clearly outside their tolerance after a change."""
    name = run.program.parameters[position].name
    table = {
        "outputs": run.expectation.outputs,
        "special": run.expectation.special_outputs,
        "gradients": run.expectation.gradients,
    }
    cells = table[of][name]
    values = changed_values.reshape(cells.expected.shape)
    off = np.abs(values.astype(np.float64) - cells.expected.astype(np.float64))
    return np.asarray(cells.checked & (off > CLEAR * cells.tolerance))


def replace_body(program: Program, body: tuple[Statement, ...]) -> Program:
    return msgspec.structs.replace(program, body=body)
