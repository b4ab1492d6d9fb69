"""How often `wp.autograd.gradcheck` rejects gradients that are right, beside warpsmith's own verdicts.

    python benchmarks/gradcheck.py [--programs 200] [--seed 1] [--category NAME …]

Kernels are drawn and verified.  `wp.autograd.gradcheck` then judges those that are verified in the backward tier, on
the same inputs and with its default settings, differencing Warp's own results.  What it rejects is compared, and right:
a false rejection.  The two rates are printed side by side: warpsmith's is that of the kernels it calls a new failure.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import warp as wp
import warp.autograd

from harness.oracle.expectation import Expectation
from harness.oracle.inputs import components
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import Tier
from harness.verify import FAST, jobs, settle, try_expect
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language import types
from strategies.language.nodes import Parameter, Program
from strategies.language.render import render, type_name
from strategies.language.types import Array, Vector


def define(source: str, entry: str, folder: Path) -> Any:
    """The kernel of a source, imported from a file of its own: Warp reads its text there."""
    path = folder / f"{entry}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(entry, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[entry] = module
    spec.loader.exec_module(module)
    wp.set_module_options({"optimization_level": 0}, module)
    return getattr(module, entry)


def argument(parameter: Parameter, values: np.ndarray[Any, Any]) -> Any:
    """A launch argument for `wp.autograd.gradcheck`."""
    scalar = types.element_scalar(parameter.type)
    kind = getattr(wp, scalar.notation)
    width = components(parameter.type)
    if isinstance(parameter.type, Array):
        # `gradcheck` knows the types that have names alone, not others of the same shape
        dtype = getattr(wp, type_name(parameter.type.dtype).removeprefix("wp."))
        shaped = values.reshape(*parameter.shape, *width)
        return wp.array(shaped, dtype=dtype, requires_grad=scalar.is_float, device="cpu")
    if isinstance(parameter.type, Vector):
        return wp.types.vector(width[0], kind)(*values[0].tolist())
    return kind(values[0].item())


def takes(program: Program) -> bool:
    """Whether `gradcheck` can be asked: it knows arrays alone, of types that have names."""
    known = (p.type.dtype for p in program.parameters if isinstance(p.type, Array))
    return not (program.structs or program.indexed) and all(
        hasattr(wp, type_name(of).removeprefix("wp.")) for of in known
    )


def accepts(expectation: Expectation, entry: str, folder: Path) -> bool:
    """Whether `wp.autograd.gradcheck`, as it comes, accepts the gradients of a program."""
    program = expectation.program
    kernel = define(render(program, entry), entry, folder)
    given = [argument(p, expectation.inputs[p.name]) for p in program.parameters]
    count = len(program.outputs)
    return bool(
        wp.autograd.gradcheck(
            kernel,
            dim=program.launch,
            inputs=given[: len(given) - count],
            outputs=given[len(given) - count :],
            device="cpu",
            raise_exception=False,
            show_summary=False,
        )
    )


def measure(
    programs: int, seed: int, categories: Sequence[str], sandbox: Sandbox, folder: Path
) -> tuple[Counter[str], Counter[str]]:
    """By category: kernels verified, and those of them that `gradcheck` rejects; `new failure` counts warpsmith's."""
    verified, rejected, ledger = Counter[str](), Counter[str](), Ledger.load()
    for n in range(programs):
        category = categories[n % len(categories)]
        program = draw(category, seed, n // len(categories))
        if program is None or not takes(program):
            continue
        expectation = try_expect(program, seed)
        if not isinstance(expectation, Expectation):
            continue
        (verdict,) = settle([expectation], sandbox.run(jobs([expectation]), FAST), sandbox)
        if verdict.failure is not None and ledger.explain(program, verdict, sandbox, sandbox.versions.warp) is None:
            rejected["new failure"] += 1
        if verdict.tier is Tier.BACKWARD:
            verified[category] += 1
            rejected[category] += not accepts(expectation, f"checked_{n}", folder)
    return verified, rejected


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print both rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--category", action="append", choices=tuple(CATEGORIES))
    given = parser.parse_args(arguments)
    wp.config.log_level = wp.LOG_ERROR
    categories = given.category or tuple(CATEGORIES)
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as name:
        wp.config.kernel_cache_dir = str(Path(name) / "cache")
        verified, rejected = measure(given.programs, given.seed, categories, sandbox, Path(name))
    print("| category | verified | rejected by `gradcheck` |\n|---|---:|---:|")
    for category in categories:
        print(f"| {category} | {verified[category]} | {rejected[category]} |")
    total, false = verified.total(), rejected.total() - rejected["new failure"]
    print(f"\nwp.autograd.gradcheck rejects {false} of {total} verified kernels ({false / max(total, 1):.1%}).")
    print(f"warpsmith calls {rejected['new failure']} of {given.programs} kernels a new failure.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
