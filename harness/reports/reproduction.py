"""Scripts of Warp and NumPy alone that show a failure, and pytest regressions that do the same.

Both are rendered from the syntax tree, the inputs and the evidence of a failure.  A script ends with status 1
while the failure is there and with 0 once it is gone, and says what it expected and what it got.  A regression is
one file that any project's tests can take in.  What launches the kernel in both is in
`harness.reports.launch_text`, what runs a script in `harness.reports.script_run`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import msgspec

from harness.probes import other_spelling
from harness.probes.hashes import varied
from harness.probes.host_cuda import ARCH, CUDA
from harness.probes.redefined import REDEFINITIONS
from harness.probes.sweeps import SWEEP_NAMES, Sweep, with_mute
from harness.probes.tapes import LIST_CHANGED, STRUCT_CHANGED
from harness.reports.launch_text import (
    Shown,
    argument_lines,
    backward_lines,
    contents_text,
    indexed_lines,
    kernel_name,
    launch_line,
    local_name,
    number_text,
    run_lines,
    struct_lines,
    value_text,
)
from harness.verdict import Failure, FailureKind
from harness.verify import AROUND, CUDA_TEXT
from strategies.language import types
from strategies.language.indexed import all_members, data_of
from strategies.language.nodes import Program
from strategies.language.render import IMPORT_ANY, INDENT, render, type_name
from strategies.language.structs import leaves
from strategies.language.types import Array, Struct

#: Seconds after which a build, and a launch, is taken for hanging: the process ends itself, whoever waits for it.
HANG_SECONDS: Final = 60
LAUNCH_SECONDS: Final = 10
#: Bytes on each side of an array of which a script sees whether they change.
GUARD_BYTES: Final = 4096
#: The kernel in its second spelling.
RESPELLED: Final = "respelled"
_DECORATOR: Final = "@wp.kernel"
_ANY: Final = re.compile(r"\bAny\b")


class _Proof(Enum):
    """How a run shows that a failure is gone."""

    COMPARED = "a condition holds afterwards"
    ACCEPTED = "it raises nothing"
    ENDED = "its process ends well"


@dataclass(frozen=True)
class _Check:
    """What a script and a regression have in common.

    `helpers` stand beside the kernel, `steps` run it.  Then `right`, a condition, holds unless the failure is
    there, and `said` is the inside of an f-string that tells what was expected and what came.
    """

    steps: list[str]
    right: str = ""
    said: str = ""
    helpers: tuple[str, ...] = ()
    proof: _Proof = _Proof.COMPARED


# ---------------------------------------------------------------- the two files


def repro(shown: Shown) -> str:
    """The text of a script, of Warp and NumPy alone, which ends with 1 while the failure is there, else 0."""
    check = _check(shown)
    kernel = _kernel_text(shown)
    imports = ["import sys", "import tempfile", *_any(kernel), "", "import numpy as np", "import warp as wp", ""]
    if check.proof is _Proof.ENDED:
        imports[:0] = ["import signal", "import subprocess"]
    settings = [
        "wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since",
        "wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time",
        *_options(shown),
    ]
    return _text([*imports, *settings, *kernel, *_ended_by_script(check)])


def regression(shown: Shown, name: str, sentence: str) -> str:
    """The text of a pytest file, of Warp and NumPy alone, with one test that fails while the failure is there.

    Args:
        shown: the failure.
        name: of the test, after ``test_``.
        sentence: what is wrong, for the one who sees the test fail.
    """
    check = _check(shown)
    kernel = _kernel_text(shown)
    apart = ["import signal", "import subprocess", "import sys"] if check.proof is _Proof.ENDED else []
    standard = [*apart, *_any(kernel)]
    if shown.failure.launch == CUDA_TEXT:
        standard.append("import tempfile")
    imports = [*standard, *([""] if standard else []), "import numpy as np", "import warp as wp"]
    options = _options(shown)
    lines = [f'"""{sentence}"""', "", *imports, *(["", *options] if options else []), *kernel]
    return _text([*lines, *_ended_by_test(check, re.sub(r"\W", "_", name).lower())])


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _options(shown: Shown) -> list[str]:
    options = {} if shown.level is None else {"optimization_level": shown.level}
    sweep = SWEEP_NAMES.get(shown.failure.variant)
    if sweep is None or _both_run(shown):
        return [f"wp.set_module_options({options!r})".replace("'", '"')] if options else []
    settings = [f"wp.config.{name} = {value!r}" for name, value in sweep.config.items()]
    return [*settings, f"wp.set_module_options({ {**options, **sweep.module}!r})".replace("'", '"')]


def _other_kernel(shown: Shown) -> tuple[Program, list[str]]:
    """The second spelling of a kernel, and its text without the functions, which both have."""
    other = msgspec.structs.replace(other_spelling(shown.program, shown.failure.variant), name=RESPELLED)
    text = render(other, RESPELLED).rstrip("\n")
    return other, text[text.index(_DECORATOR) :].split("\n")


def _both_run(shown: Shown) -> bool:
    """Whether a kernel runs to its end in both of two ways that must agree."""
    return shown.failure.face in (FailureKind.FORWARD_MISMATCH, FailureKind.BACKWARD_MISMATCH)


def _kernel_text(shown: Shown) -> list[str]:
    """The kernel, with the blank lines around it; the imports in front of it are the file's own."""
    text = render(shown.program, kernel_name(shown.program))
    if shown.failure.kind is FailureKind.STALE_BINARY:
        return _factory(shown, text)
    if not _both_run(shown):
        other = other_spelling(shown.program, shown.failure.variant)
        text = render(other, kernel_name(other)) if other is not shown.program else text
    sweep = SWEEP_NAMES.get(shown.failure.variant)
    if sweep is not None and sweep.with_mute:
        text = with_mute(text, kernel_name(shown.program))
    if (redefinition := REDEFINITIONS.get(shown.failure.variant)) is not None:
        text = redefinition.defined_twice(text, kernel_name(shown.program))
    _, _, own = text.removeprefix(f"{IMPORT_ANY}\n\n").partition("\n")
    return ["", "", *own.strip("\n").split("\n"), "", ""]


def _factory(shown: Shown, text: str) -> list[str]:
    """The function that makes the kernel, of what varies."""
    made = varied(shown.failure.variant, text, shown.program)
    return ["", "", *made.factory(kernel_name(shown.program), f'{_DECORATOR}(module="unique")'), "", ""]


def _any(kernel: list[str]) -> list[str]:
    """What a file with a generic kernel or function imports."""
    return [IMPORT_ANY] if any(_ANY.search(line) for line in kernel) else []


def _block(lines: list[str]) -> list[str]:
    return [f"{INDENT}{line}" if line else "" for line in lines]


def _helpers(check: _Check) -> list[str]:
    return [*check.helpers, "", ""] if check.helpers else []


def _ended_by_script(check: _Check) -> list[str]:
    match check.proof:
        case _Proof.COMPARED:
            return [*_helpers(check), *check.steps, f'print(f"{check.said}")', f"sys.exit(0 if {check.right} else 1)"]
        case _Proof.ACCEPTED:
            return [
                "try:",
                *_block(check.steps),
                "except Exception as error:",
                '    print(f"expected: the kernel is built and runs\\nactual: {type(error).__name__}: {error}")',
                "    sys.exit(1)",
                'print("the kernel is built and runs")',
            ]
        case _Proof.ENDED:
            return [
                'if "--launch" in sys.argv:',
                *_block([*check.steps, "sys.exit(0)"]),
                'done = subprocess.run([sys.executable, __file__, "--launch"]).returncode',
                'said = "it does not end" if done == -signal.SIGALRM else done',
                'print(f"expected: the process ends with status 0\\nactual: {said}")',
                "sys.exit(0 if done == 0 else 1)",
            ]


def _ended_by_test(check: _Check, name: str) -> list[str]:
    match check.proof:
        case _Proof.COMPARED:
            ending = [f'assert {check.right}, f"{check.said}"']
            return [*_helpers(check), f"def test_{name}():", *_block([*check.steps, *ending])]
        case _Proof.ACCEPTED:
            return [f"def test_{name}():", *_block(check.steps)]
        case _Proof.ENDED:
            run = "done = subprocess.run([sys.executable, __file__], check=False)"
            return [
                f"def test_{name}():",
                *_block([run, "assert done.returncode == 0"]),
                "",
                "",
                'if __name__ == "__main__":',
                *_block(check.steps),
            ]


# ---------------------------------------------------------------- one check a kind


def _check(shown: Shown) -> _Check:
    failure = shown.failure
    if failure.kind is FailureKind.METAMORPHIC_MISMATCH and _both_run(shown):
        return _respelled(shown)
    if failure.kind is FailureKind.OPTION_MISMATCH and _both_run(shown):
        sweep = SWEEP_NAMES.get(failure.variant)
        if sweep is not None and (sweep.module or sweep.config):
            return _swept(shown, sweep)
        if failure.variant == CUDA:
            # The host's compiler is no part of Warp: who mends CUDA code generation has the device.
            check = _compared(shown)
            return replace(check, steps=[line.replace('device="cpu"', 'device="cuda:0"') for line in check.steps])
    by_kind = failure.kind if failure.kind in _CHECKS else failure.face or failure.kind
    return _CHECKS.get(by_kind, _compared)(shown)


def _respelled(shown: Shown) -> _Check:
    """Both spellings in one module."""
    failure, own = shown.failure, kernel_name(shown.program)
    other, text = _other_kernel(shown)
    run = [line.replace(f"({own},", "(kernel,").replace("], device", ", *more], device")
           for line in run_lines(shown, failure.gradient)]  # fmt: skip
    more = "".join(f", {int(p.low)}" for p in other.parameters[len(shown.program.parameters) :])
    helpers = (
        *text, "", "", "def result(kernel, *more):",
        *_block([*argument_lines(shown), *run, f"return {value_text(shown)}"]),
    )  # fmt: skip
    steps = [f"expected, actual = result({own}), result({RESPELLED}{more})"]
    said = f"{_called(failure)}: {{expected}} in one spelling, {{actual}} in the other"
    return _Check(steps, _agree(failure), said, helpers)


def _swept(shown: Shown, sweep: Sweep) -> _Check:
    """Both builds, one after the other: Warp builds a module anew when its options have changed."""
    failure, level = shown.failure, {} if shown.level is None else {"optimization_level": shown.level}
    run = [line.replace('device="cpu")', 'device="cpu", **more)') for line in run_lines(shown, failure.gradient)]
    helpers = (
        "def result(options, config, **more):",
        "    for name, value in config.items():",
        "        setattr(wp.config, name, value)",
        "    wp.set_module_options(options)",
        *_block([*argument_lines(shown), *run, f"return {value_text(shown)}"]),
    )
    more = "" if sweep.block_dim is None else f", block_dim={sweep.block_dim}"
    other = f"result({ {**level, **sweep.module}!r}, {dict(sweep.config)!r}{more})".replace("'", '"')
    steps = [f"expected, actual = result({level!r}, {{}}), {other}".replace("'", '"')]
    said = f"{_called(failure)}: {{expected}} plainly, {{actual}} with {failure.variant}"
    return _Check(steps, _agree(failure), said, helpers)


def _stale(shown: Shown) -> _Check:
    """Both kernels, one after the other: the second must not be run by the binary of the first."""
    failure, own = shown.failure, kernel_name(shown.program)
    one, other = varied(failure.variant, render(shown.program, own), shown.program).values
    assert failure.expected is not None
    run = launch_line(shown.program).replace(f"({own},", "(kernel,")
    helpers = ("def result(kernel):", *_block([*argument_lines(shown), run, f"return {value_text(shown)}"]))
    steps = [
        f"first, actual = result(make({one})), result(make({other}))",
        f"expected = {number_text(failure.expected)}",
    ]
    said = f"{_called(failure)}: expected {{expected}}, got {{actual}}, after {{first}} of a kernel that differs"
    return _Check(steps, _is_right(failure.expected, number_text(failure.tolerance or 0.0)), said, helpers)


def _compared(shown: Shown) -> _Check:
    failure = shown.failure
    steps = [*argument_lines(shown), *run_lines(shown, failure.gradient)]
    if failure.expected is None:
        return _Check(steps, right="True", said="nothing is known to compare with")
    expected, tolerance = number_text(failure.expected), number_text(failure.tolerance or 0.0)
    return _Check(
        [*steps, f"expected, actual = {expected}, {value_text(shown)}"],
        _is_right(failure.expected, tolerance),
        f"{_called(failure)}: expected {{expected}}, got {{actual}}",
    )


def _is_right(expected: float, tolerance: str) -> str:
    """The condition that `actual` is what was expected."""
    if math.isnan(expected):
        return "np.isnan(actual)"
    if math.copysign(1.0, expected) < 0 == expected:
        return "actual == 0.0 and np.signbit(actual)"
    return "actual == expected" if math.isinf(expected) else f"abs(float(actual) - expected) <= {tolerance}"


def _agree(failure: Failure) -> str:
    """The condition that `expected` and `actual`, of two ways to run a kernel, are one number, or none both times."""
    if not failure.tolerance:
        return "np.array_equal(expected, actual, equal_nan=True)"
    return f"np.isclose(actual, expected, rtol=0.0, atol={number_text(failure.tolerance)}, equal_nan=True)"


def _called(failure: Failure) -> str:
    return f"gradient of {failure.parameter}" if failure.gradient else f"{failure.parameter}"


def _refused(shown: Shown) -> _Check:
    if shown.failure.launch == CUDA_TEXT:
        # NVRTC comes with Warp and needs no device.
        aot = f"wp.compile_aot_module({kernel_name(shown.program)}.module, arch={ARCH}, use_ptx=True, "
        return _Check([aot + "module_dir=tempfile.mkdtemp())"], proof=_Proof.ACCEPTED)
    return _Check([*argument_lines(shown), launch_line(shown.program)], proof=_Proof.ACCEPTED)


def _deadly(shown: Shown) -> _Check:
    build = f'wp.load_module({kernel_name(shown.program)}.module, device="cpu", block_dim=1)'
    run = [f"signal.alarm({LAUNCH_SECONDS})", *run_lines(shown, bool(shown.cotangents))]
    steps = [*argument_lines(shown), f"signal.alarm({HANG_SECONDS})", build, *run]
    return _Check(steps, proof=_Proof.ENDED)


def _twice(shown: Shown) -> _Check:
    program = shown.program
    results = ", ".join(f"{contents_text(program, p.name)}.tobytes()" for p in program.outputs)
    gradients = [p for p in program.arrays if not p.output and types.element_scalar(p.type).is_float]
    left = "".join(
        f", {contents_text(program, p.name, gradient=True)}.tobytes()" for p in gradients if shown.cotangents
    )
    helpers = (
        "def results():",
        *_block([*argument_lines(shown), *run_lines(shown, bool(shown.cotangents)), f"return [{results}{left}]"]),
    )
    steps = ["same = results() == results()"]
    return _Check(steps, "same", "expected: the same bits twice, actual: {same}", helpers)


def _strided(shown: Shown) -> _Check:
    """Both launches; a strided array is every other element of one twice as long, from the second on."""
    structs = {s.name for s in shown.program.structs if s.ndim}
    program = shown.program
    places = all_members(program) - {data_of(given.name) for given in program.indexed}
    names = dict.fromkeys(
        w if (w := p.name.partition(".")[0]) in structs else p.name for p in program.arrays if p.name not in places
    )
    arrays = ", ".join(local_name(shown.program, name) for name in names)
    helpers = (
        "def spread(array):",
        "    shape = (*array.shape[:-1], 2 * array.shape[-1])",
        "    wide = wp.zeros(shape, dtype=array.dtype, requires_grad=True)",
        "    wide[(slice(None),) * (array.ndim - 1) + (slice(1, None, 2),)].assign(array)",
        "    return wide[(slice(None),) * (array.ndim - 1) + (slice(1, None, 2),)]",
        "",
        "",
        "def result(layout):",
        *_block(argument_lines(shown)),
        f"    {arrays}, = map(layout, [{arrays}])",
        *_block(_put_together(shown)),
        *_block(run_lines(shown, shown.failure.gradient)),
        f"    return {value_text(shown)}",
    )
    return _Check(
        ["expected, actual = result(lambda array: array), result(spread)"],
        "np.array_equal(expected, actual, equal_nan=True)",
        f"{_called(shown.failure)}: {{expected}} from contiguous arrays, {{actual}} from strided ones",
        helpers,
    )


def _put_together(shown: Shown) -> list[str]:
    """The lines that make structs and indexed arrays of their arrays again, which have changed."""
    program = shown.program
    structs = [line for given in program.structs if not given.ndim for line in struct_lines(program, given)]
    return [*structs, *(line for given in program.indexed for line in indexed_lines(shown, given))]


def _guarded(shown: Shown) -> _Check:
    """The launch on arrays in the middle of larger memory, around which nothing may change."""
    program = shown.program
    structs = {s.name for s in program.structs if s.ndim}
    names = [local_name(program, p.name) for p in program.arrays if p.name.partition(".")[0] not in structs]
    helpers = (
        "def guarded(values, dtype, shape, gradient=None):",
        f"    memory.append(np.full(values.nbytes + {2 * GUARD_BYTES}, 165, np.uint8))",
        f"    memory[-1][{GUARD_BYTES}:-{GUARD_BYTES}] = np.frombuffer(values.tobytes(), np.uint8)",
        f"    place = memory[-1].ctypes.data + {GUARD_BYTES}",
        '    return wp.array(ptr=place, dtype=dtype, shape=shape, device="cpu", grad=gradient)',
        "",
        "",
        "def moved(array):",
        "    gradient = guarded(array.grad.numpy(), array.dtype, array.shape) if array.requires_grad else None",
        "    return guarded(array.numpy(), array.dtype, array.shape, gradient)",
        "",
        "",
        "memory = []",
    )
    steps = [*argument_lines(shown), *(f"{name} = moved({name})" for name in names), *_put_together(shown)]
    steps += [*run_lines(shown, bool(shown.cotangents))]
    steps.append(f"around = np.concatenate([part for m in memory for part in (m[:{GUARD_BYTES}], m[-{GUARD_BYTES}:])])")
    said = "expected 165 in each byte around the arrays, got {np.unique(around)}"
    return _Check(steps, "bool(np.all(around == 165))", said, helpers)


def _unchanged(shown: Shown) -> _Check:
    failure = shown.failure
    assert failure.parameter is not None
    if failure.message.startswith(AROUND):
        return _guarded(shown)
    array = contents_text(shown.program, failure.parameter)
    forward, backward = backward_lines(shown)[:2], backward_lines(shown)[2:]
    before = f"before = {array}.copy()"
    run = [before, *forward, *backward]
    if shown.program.parameter(failure.parameter).output:
        run = [*forward, before, *backward]
    return _Check(
        [*argument_lines(shown), *run],
        f"np.array_equal(before, {array}, equal_nan=True)",
        f"{failure.parameter}: expected unchanged {{before}}, got {{{array}}}",
    )


def _between(shown: Shown) -> list[str]:
    """What happens to the arguments between the launch and the backward pass."""
    program, found = shown.program, []
    if shown.failure.variant == LIST_CHANGED:
        kept = "wp.zeros_like(given, requires_grad=True) if isinstance(given, wp.array) else given"
        return [f"inputs[:] = [{kept} for given in inputs]"]
    if shown.failure.variant == STRUCT_CHANGED:
        for struct in program.structs:
            of = struct.type
            assert isinstance(of, Struct)
            for path, field in leaves(of):
                if not struct.ndim and not isinstance(field, Array):
                    found.append(f"{local_name(program, struct.name)}.{path} = {type_name(field)}()")
    return found


def _taped(shown: Shown) -> _Check:
    """The gradients after something has happened to the arguments; or that there are any."""
    check = _compared(shown)
    steps = [step for line in check.steps for step in (*(_between(shown) if line == "tape.backward()" else ()), line)]
    if shown.failure.variant == LIST_CHANGED:
        launch = launch_line(shown.program)
        given = launch[launch.index("[") : launch.rindex("]") + 1]
        at = steps.index("with wp.Tape() as tape:")
        changed = (line.replace(f"inputs={given}", "inputs=inputs") for line in steps[at:])
        steps = [*steps[:at], f"inputs = {given}", *changed]
    if shown.failure.face is FailureKind.REJECTED:
        return _Check([*argument_lines(shown), *backward_lines(shown)], proof=_Proof.ACCEPTED)
    return replace(check, steps=steps)


_CHECKS: Final[dict[FailureKind, Callable[[Shown], _Check]]] = {
    FailureKind.REJECTED: _refused,
    FailureKind.BUILD_ERROR: _refused,
    FailureKind.CRASH: _deadly,
    FailureKind.HANG: _deadly,
    FailureKind.NONDETERMINISTIC: _twice,
    FailureKind.LAYOUT_MISMATCH: _strided,
    FailureKind.STALE_BINARY: _stale,
    FailureKind.TAPE_MISMATCH: _taped,
    FailureKind.MEMORY: _unchanged,
}
