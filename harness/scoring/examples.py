"""What an exported row says beyond its record: examples to run a translation against, and its two functions."""

from __future__ import annotations

import json
import math
from typing import Final

import numpy as np

from corpus.dataset import Example, Expected, Texts, Value
from corpus.record import CorpusError, Record
from harness.cpp.generated_code import backward_text, forward_text
from harness.oracle.expectation import Cells, Expectation, InvalidProgram, expect_on
from harness.oracle.inputs import components, numpy_dtype
from harness.oracle.lanes import Values
from strategies.language import types
from strategies.language.nodes import Parameter
from strategies.language.types import Array

#: Tolerances are written with four digits, and not less than they are.
ROUNDED_UP: Final = 1.001


def expectation_of(record: Record) -> Expectation:
    """What is expected of a pair on the very inputs that it was verified on.

    Raises:
        CorpusError: nothing can be expected of it now; the message says why.
    """
    try:
        return expect_on(record.program, record.verification.inputs_seed)
    except InvalidProgram as error:
        raise CorpusError(f"{record.type} {record.id[:12]} cannot be evaluated: {error}") from error


def example_of(expectation: Expectation) -> Example:
    """One launch with generic inputs, as an exported row holds it."""
    parameters = expectation.program.parameters
    by_name = {parameter.name: parameter for parameter in parameters}
    return Example(
        inputs=tuple(_value(p, expectation.inputs[p.name]) for p in parameters),
        outputs=tuple(_expected(by_name[name], cells) for name, cells in expectation.outputs.items()),
        cotangents=tuple(_value(by_name[name], values) for name, values in expectation.cotangents.items()),
        gradients=tuple(
            _expected(by_name[name], cells)
            for name, cells in expectation.gradients.items()
            if types.element_scalar(by_name[name].type).is_float
        ),
    )


def texts_of(record: Record, cuda: str | None = None, ptx: str | None = None) -> Texts:
    """The functions of the generated text of `record`."""
    return Texts(forward_text(record.cpp), backward_text(record.cpp), cuda, ptx)


def _shape(parameter: Parameter) -> tuple[int, ...]:
    if isinstance(parameter.type, Array):
        return (*parameter.shape, *components(parameter.type))
    return components(parameter.type)


def _value(parameter: Parameter, values: Values) -> Value:
    return Value(
        parameter.name,
        types.element_scalar(parameter.type).notation,
        _shape(parameter),
        _json(values.astype(numpy_dtype(parameter.type))),
    )


def _expected(parameter: Parameter, cells: Cells) -> Expected:
    scalar = types.element_scalar(parameter.type)
    # A gradient of float64 precision stays what the reference says; its tolerance is for that.
    expected = cells.expected if scalar.is_float else cells.expected.astype(numpy_dtype(parameter.type))
    tolerance = [
        float(f"{allowed * ROUNDED_UP:.3e}") if checked else None
        for allowed, checked in zip(cells.tolerance.ravel(), cells.checked.ravel(), strict=True)
    ]
    return Expected(parameter.name, scalar.notation, _shape(parameter), _json(expected), json.dumps(tolerance))


def _json(values: Values) -> str:
    """`values`, flat, each in the fewest digits that give it back."""
    flat = values.ravel()
    if flat.dtype.kind != "f":
        return json.dumps(flat.tolist())
    spelled = [float(np.format_float_scientific(value, unique=True)) for value in flat]
    return json.dumps([value if math.isfinite(value) else str(value) for value in spelled])
