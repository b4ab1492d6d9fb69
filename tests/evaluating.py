"""Drawn programs, and what the reference makes of one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import strategies
from harness.oracle.reference import Evaluator
from strategies.language.check import check_program
from strategies.language.nodes import Program, walk
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import Matrix
from strategies.language.widen import widened
from strategies.ops import result_type

DRAWS = 8


@cache
def drawn(category: str) -> tuple[Program, ...]:
    found = (strategies.draw(category, 23, index) for index in range(DRAWS))
    wide = (widened(program) for program in found if program is not None)
    # some built-ins are there for one precision alone, and matrices are not known here
    return tuple(program for program in wide if _is_typed(program))


def _is_typed(program: Program) -> bool:
    try:
        check_program(program, result_type)
    except IllFormed:
        return False
    return not any(isinstance(getattr(node, "type", None), Matrix) for node in walk(program))


def evaluate(program: Program, inputs: dict[str, np.ndarray[Any, Any]], native: bool = True) -> dict[str, Any]:
    wide = {n: v.astype(np.float64) if v.dtype.kind == "f" and not native else v for n, v in inputs.items()}
    found = Evaluator(flattened(program), {name: values[None] for name, values in wide.items()}, native).run()
    return {name: values[0, 0] for name, values in found.arrays.items()}
