"""Between what is found of a program and what a case keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from corpus.case import Case, check_case, plain_json
from corpus.case import Values as CaseValues
from corpus.record import Provenance
from harness.oracle.inputs import components
from harness.oracle.lanes import Values
from harness.reports.launch_text import Shown
from harness.shrink import Reduced
from harness.verdict import Failure, FailureKind
from strategies.language import types
from strategies.language.nodes import Parameter, Program


def make_case(reduced: Reduced, bucket: str, provenance: Provenance, **evidence: object) -> Case:
    """The case of a reduced failure."""
    program, verdict, failure = reduced.program, reduced.verdict, reduced.verdict.failure
    assert failure is not None
    found = {
        "message": failure.message,
        "parameter": failure.parameter,
        "gradient": failure.gradient,
        "cell": failure.cell,
        "expected": failure.expected,
        "actual": failure.actual,
        "tolerance": failure.tolerance,
        "launch": failure.launch,
        "referee": failure.referee,
        **({"variant": failure.variant} if failure.variant else {}),
        **({"face": failure.face.value} if failure.face is not None else {}),
        "inputs_seed": verdict.inputs_seed,
        "fails_without_optimization": reduced.fails_without_optimization,
        "fails_by_default": reduced.fails_by_default,
        **evidence,
    }
    level = level_of(reduced)
    case = Case(
        bucket=bucket,
        kind=failure.kind.value,
        program=program,
        inputs={name: _stored(program.parameter(name), v) for name, v in verdict.inputs.items()},
        cotangents={name: _stored(program.parameter(name), v) for name, v in verdict.cotangents.items()},
        layout="strided" if failure.launch == "strided" else "contiguous",
        options={} if level is None else {"optimization_level": level},
        evidence=plain_json(found),
        provenance=provenance,
    )
    check_case(case)
    return case


def level_of(reduced: Reduced) -> int | None:
    """The optimization level that a reduced failure needs; None for any."""
    return 0 if reduced.fails_without_optimization and not reduced.fails_by_default else None


def _stored(parameter: Parameter, values: Values) -> CaseValues:
    scalar = types.element_scalar(parameter.type).notation
    typed = values.astype("?" if scalar == "bool" else scalar)
    shape = (*parameter.shape, *components(parameter.type))
    return CaseValues.of(scalar, shape, typed.ravel().tolist())


def failure_of(case: Case) -> Failure:
    """The failure that a case was stored for."""
    found = case.evidence

    def number(name: str) -> float | None:
        value = found.get(name)
        return None if value is None else float(value)

    return Failure(
        kind=FailureKind(case.kind),
        message=str(found.get("message", "")),
        parameter=found.get("parameter"),
        gradient=bool(found.get("gradient")),
        cell=tuple(found.get("cell", ())),
        expected=number("expected"),
        actual=number("actual"),
        tolerance=number("tolerance"),
        launch=str(found.get("launch", "generic")),
        variant=str(found.get("variant", "")),
        face=FailureKind(found["face"]) if "face" in found else None,
    )


def values_of(program: Program, stored: Mapping[str, CaseValues]) -> dict[str, Values]:
    """Stored values as arrays of cells[, components]."""
    arrays: dict[str, Any] = {}
    for name, values in stored.items():
        dtype = np.dtype("?" if values.dtype == "bool" else values.dtype)
        shape = (-1, *components(program.parameter(name).type))
        arrays[name] = np.array(values.numbers(), dtype=dtype).reshape(shape)
    return arrays


def shown(case: Case) -> Shown:
    """A case as its script shows it."""
    level = case.options.get("optimization_level")
    return Shown(
        case.program,
        failure_of(case),
        values_of(case.program, case.inputs),
        values_of(case.program, case.cotangents),
        level if isinstance(level, int) else None,
    )
