"""How many units in the last place Warp's scalar functions are off on this machine's CPU.

    python benchmarks/accuracy.py [--points 400]

Every function of the op table over floats is run on points spread over its domain and compared with
mpmath at 60 digits.  The largest error is printed beside the row's bound; a row whose bound is smaller
than what was measured is marked.  Exit status 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from harness.inputs import numpy_dtype
from harness.jobs import ArrayArgument, Job, Launch
from harness.sandbox import Sandbox
from strategies.intervals import Interval
from strategies.language import types
from strategies.ops import ROWS, Away, OpSpec

mpmath.mp.dps = 60

#: What each function is, in arbitrary precision.
EXACT: dict[str, Callable[..., Any]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "asin": mpmath.asin, "acos": mpmath.acos,
    "atan": mpmath.atan, "atan2": mpmath.atan2, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "degrees": mpmath.degrees, "radians": mpmath.radians, "sqrt": mpmath.sqrt, "cbrt": mpmath.cbrt,
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


def main() -> int:
    """Measure every function in every precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=400)
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
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
