"""How far Warp's functions are off on this machine's CPU.

    python benchmarks/accuracy.py [--points 400] [--draws 12]

Every scalar function of the op table over floats is run on points spread over its domain and compared with
mpmath at 60 digits.  The largest error, in units in the last place, is printed beside the row's bound; a row whose
bound is smaller than what was measured is marked.

Every other row over floats that is not exact is run on several draws of values of its domain, in each form that it
takes, and its results and gradients are compared with the float64 reference.  The largest share of the tolerance that
an error takes is printed; a row that takes more than all of it, and would be reported but for the referee, is marked.
Rows whose domain is no box (quaternions of length one, matrices that can be inverted) are named as left out.

Exit status 1 if a row is marked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np

from harness.jobs import ArrayArgument, Job, JobResult, Launch
from harness.launches import job
from harness.oracle.expectation import Expectation
from harness.oracle.inputs import numpy_dtype
from harness.sandbox import Sandbox
from harness.verify import try_expect
from strategies.inputs import as_bound
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Apply, Assign, Element, Name, Parameter, Program, ThreadIndex
from strategies.language.types import Type
from strategies.ops import ROWS, Away, OpSpec, instances

mpmath.mp.dps = 60

#: Cells of a kernel that applies one row: finite differences perturb each by itself.
CELLS = 64

#: What each function is, in arbitrary precision.
EXACT: dict[str, Callable[..., Any]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "asin": mpmath.asin, "acos": mpmath.acos,
    "atan": mpmath.atan, "atan2": mpmath.atan2, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "degrees": mpmath.degrees, "radians": mpmath.radians, "sqrt": mpmath.sqrt,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "log": mpmath.log, "log2": lambda x: mpmath.log(x, 2), "log10": mpmath.log10, "exp": mpmath.exp,
    "pow": mpmath.power, "erf": mpmath.erf, "erfc": mpmath.erfc, "erfinv": mpmath.erfinv,
    "erfcinv": lambda x: mpmath.erfinv(1 - x),
}  # fmt: skip


def _points(row: OpSpec, dtype: types.Scalar, count: int) -> list[np.ndarray[Any, Any]]:
    """`count` points of the row's domain for each argument, spread evenly and pseudo-randomly."""
    found = []
    for n, domain in enumerate(row.domain(dtype)[: len(row.signatures[0].arguments)]):
        low, high = (domain.least, domain.reach) if isinstance(domain, Away) else domain
        if isinstance(domain, Interval) and high > 100:
            high = 100.0
        golden = (np.arange(count) * (0.6180339887 if n == 0 else 0.7548776662)) % 1.0
        found.append((low + golden * (high - low)).astype(numpy_dtype(dtype)))
    return found


def _source(name: str, arity: int, dtype: str) -> str:
    parameters = ", ".join(f"x{n}: wp.array(dtype=wp.{dtype})" for n in range(arity))
    arguments = ", ".join(f"x{n}[i]" for n in range(arity))
    return (
        f"import warp as wp\n\n\n@wp.kernel\ndef run_{name}({parameters}, out: wp.array(dtype=wp.{dtype})):\n"
        f"    i = wp.tid()\n    out[i] = wp.{name}({arguments})\n"
    )


def measure(sandbox: Sandbox, row: OpSpec, dtype: types.Scalar, count: int) -> float:
    """The largest error of `row` in units in the last place of the exact result."""
    points = _points(row, dtype, count)
    out = np.zeros(count, numpy_dtype(dtype))
    arguments = tuple(ArrayArgument(dtype.notation, p) for p in (*points, out))
    entry = f"run_{row.name}"
    job = Job(_source(row.name, len(points), dtype.notation), entry, (Launch((count,), arguments, backward=False),))
    array = sandbox.run([job])[0].launches[0].arrays[-1]
    assert array is not None
    worst = 0.0
    for n, actual in enumerate(array.data):
        exact = EXACT[row.name](*(mpmath.mpf(float(p[n])) for p in points))
        spacing = float(np.spacing(np.abs(np.asarray(float(exact), numpy_dtype(dtype)))))
        worst = max(worst, float(abs(mpmath.mpf(float(actual)) - exact) / spacing))
    return worst


def _program(row: OpSpec, arguments: Sequence[Type], result: Type, count: int) -> Program | None:
    """A kernel that applies a row to an element of each of its arguments; None if the domain is no box."""
    scalar = next(of for of in map(types.element_scalar, (*arguments, result)) if of.is_float)
    inputs = []
    for n, (of, place) in enumerate(zip(arguments, row.domain(scalar), strict=False)):
        if not isinstance(place, Interval | Away):
            return None
        low, high = (place.least, place.reach) if isinstance(place, Away) else place
        high = min(high, 100.0)
        inputs.append(Parameter(f"x{n}", types.array(of), as_bound(max(low, -100.0), of), as_bound(high, of), (count,)))
    if len(inputs) < len(arguments):
        return None
    at = Name(types.INT32, "i")
    values = tuple(Element(of, f"x{n}", (at,)) for n, of in enumerate(arguments))
    out = Parameter("out", types.array(result), 0, 1, (count,), True)
    store = Assign(Element(result, "out", (at,)), Apply(result, row.name, values))
    return Program(f"run_{row.name}", "builtin", (count,), (*inputs, out), (ThreadIndex(("i",)), store))


def _forms(row: OpSpec) -> Iterator[tuple[tuple[Type, ...], Type]]:
    """The tuples of argument types of a row, one for each form and precision."""
    seen = set()
    for arguments, result in instances(row):
        floats = {of for of in map(types.element_scalar, (*arguments, result)) if of.is_float}
        form = (tuple(sorted(of.notation for of in floats)), tuple(type(of) for of in arguments))
        if len(floats) == 1 and form not in seen and types.element_scalar(result).is_float and arguments:
            seen.add(form)
            yield arguments, result


def share(expectation: Expectation, result: JobResult) -> tuple[float, float]:
    """The largest shares of the tolerance that errors of results, and of gradients, take."""
    largest = [0.0, 0.0]
    for parameter, array in zip(expectation.program.parameters, result.launches[0].arrays, strict=True):
        assert array is not None
        gradient = not parameter.output
        if gradient and expectation.limits:
            continue
        cells = (expectation.gradients if gradient else expectation.outputs)[parameter.name]
        found = array.gradient if gradient else array.data
        if found is None or found.dtype.kind != "f":
            continue
        off = np.abs(found.reshape(cells.expected.shape).astype(np.float64) - cells.expected.astype(np.float64))
        measured = cells.checked & (cells.tolerance > 0)
        largest[gradient] = max(largest[gradient], float(np.max(off[measured] / cells.tolerance[measured], initial=0)))
    return largest[0], largest[1]


def _others(sandbox: Sandbox, draws: int) -> int:
    """Measure the rows that mpmath has no function for; how many are marked."""
    left_out, marked = set(), 0
    print(f"{'row':28} {'arguments':34} {'results':>8} {'gradients':>10}")
    for row in ROWS:
        if row.exact or row.name in EXACT:
            continue
        if row.through:
            # only what another row makes of its result is unique
            left_out.add(row.name)
            continue
        for arguments, result in _forms(row):
            program = _program(row, arguments, result, CELLS)
            tried = [] if program is None else [try_expect(program, seed) for seed in range(draws)]
            expected = [found for found in tried if isinstance(found, Expectation)]
            results = sandbox.run([job(e, f"measured_{n}") for n, e in enumerate(expected)]) if expected else []
            shares = [share(e, found) for e, found in zip(expected, results, strict=True) if found.launches]
            if not shares:
                left_out.add(row.name)
                continue
            forward, backward = map(max, zip(*shares, strict=True))
            over = max(forward, backward) > 1
            marked += over
            words = f"{row.name:28} {', '.join(of.notation for of in arguments):34} {forward:8.3f} {backward:10.3f}"
            print(f"{words} {'EXCEEDED' if over else ''}".rstrip(), flush=True)
    print("left out:", ", ".join(sorted(left_out)))
    return marked


def main() -> int:
    """Measure every function in every precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--draws", type=int, default=12, help="of the inputs of a row that mpmath has no function for")
    arguments = parser.parse_args()
    print(f"{'function':10} {'dtype':8} {'measured':>10} {'bound':>8}")
    exceeded = 0
    with Sandbox() as sandbox:
        for row in ROWS:
            if row.name not in EXACT:
                continue
            for name in types.FLOATS:
                dtype = types.scalar(name)
                worst, bound = measure(sandbox, row, dtype, arguments.points), row.error(dtype)
                exceeded += worst > bound
                print(f"{row.name:10} {name:8} {worst:10.2f} {bound:8.1f} {'EXCEEDED' if worst > bound else ''}")
        exceeded += _others(sandbox, arguments.draws)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
