"""What is stored of a reduced failure: the case, a script that needs only Warp, an issue's text, a test.

The script is run in a fresh process before it is stored, and whether it showed the failure is recorded: one
that does not is worth less, and says so.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from corpus.case import Case, check_case, encode_case, plain_json
from corpus.case import Values as CaseValues
from corpus.record import Provenance
from corpus.store import CASE, Store, replace_file
from harness.generated_code import GeneratedCodeError, backward_text, forward_text
from harness.inputs import components
from harness.lanes import Values
from harness.shrink import Reduced
from harness.triage import NOT_REPORTED, KnownIssue
from harness.verdict import Failure, FailureKind
from strategies.language import types
from strategies.language.nodes import Apply, Atomic, Parameter, Program, walk
from strategies.language.render import render, type_name
from strategies.language.types import Array, Vector
from strategies.ops import OPS

REPRO: Final = "repro.py"
README: Final = "README.md"
TEST: Final = "test_repro.py"

#: Seconds on the clock for a reproduction: it imports Warp and builds one kernel.
REPRO_SECONDS: Final = 180
#: Seconds after which the script itself takes a kernel for hanging.
HANG_SECONDS: Final = 60
#: Exit statuses of a reproduction.
FIXED, FAILING = 0, 1
#: Where the interesting part of a generated function begins.
_SECTIONS: Final = {"forward": "    //---------\n    // forward\n", "backward": "    //---------\n    // reverse\n"}
#: Lines of generated code that a reader can take in.
MAX_CODE_LINES: Final = 60

_WIDTH: Final = 100


@dataclass(frozen=True)
class Report:
    """What was written: the folder, and whether the script shows the failure by itself, with what it said."""

    folder: Path
    confirmed: bool
    output: str


# ---------------------------------------------------------------- the script


def repro(
    program: Program,
    failure: Failure,
    inputs: dict[str, Values],
    cotangents: dict[str, Values],
    level: int | None = None,
) -> str:
    """The text of a script, of Warp and NumPy alone, which ends with 1 while the failure is there, else 0."""
    body = {
        FailureKind.REJECTED: _refused,
        FailureKind.BUILD_ERROR: _refused,
        FailureKind.CRASH: _deadly,
        FailureKind.HANG: _deadly,
        FailureKind.NONDETERMINISTIC: _twice,
        FailureKind.LAYOUT_MISMATCH: _strided,
        FailureKind.MEMORY: _unchanged,
    }.get(failure.kind, _compared)
    imports = ["import sys", "import tempfile", "", "import numpy as np", "import warp as wp", ""]
    if failure.kind in (FailureKind.CRASH, FailureKind.HANG):
        imports.insert(0, "import subprocess")
    settings = [
        "wp.config.log_level = wp.LOG_ERROR",
        "wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time",
    ]
    if level is not None:
        settings.append(f'wp.set_module_options({{"optimization_level": {level}}})')
    kernel = render(program, _kernel(program)).split("\n", 3)[3].rstrip("\n").split("\n")
    lines = [*imports, *settings, "", "", *kernel, "", "", *body(program, failure, inputs, cotangents)]
    return "\n".join(lines) + "\n"


def _numpy_type(parameter: Parameter) -> str:
    scalar = types.element_scalar(parameter.type)
    return "np.bool_" if scalar.kind == "bool" else f"np.{scalar.notation}"


def _number(value: Any) -> str:
    if isinstance(value, np.bool_ | bool):
        return str(bool(value))
    if isinstance(value, np.integer | int):
        return str(int(value))
    if not math.isfinite(value):
        return f'float("{float(value)}")'
    # the shortest spelling in the value's own precision
    return repr(float(str(value)))


def _nested(values: Values) -> str:
    if values.ndim == 0:
        return _number(values[()])
    return f"[{', '.join(_nested(item) for item in values)}]"


def _shaped(parameter: Parameter, values: Values) -> Values:
    return values.reshape(*parameter.shape, *components(parameter.type))


def _array(parameter: Parameter, values: Values) -> str:
    """The expression of a Warp array with `values`."""
    assert isinstance(parameter.type, Array)
    contents = _shaped(parameter, values)
    dtype = _numpy_type(parameter)
    if contents.size > 4 and np.all(contents == contents.flat[0]):
        made = f"np.full({contents.shape}, {_number(contents.flat[0])}, {dtype})"
    else:
        made = f"np.array({_nested(contents)}, {dtype})"
    return f"wp.array({made}, dtype={type_name(parameter.type.dtype)}, requires_grad=True)"


def _scalar(parameter: Parameter, values: Values) -> str:
    if isinstance(parameter.type, Vector):
        return f"{type_name(parameter.type)}({', '.join(_number(v) for v in values[0])})"
    return _number(values[0])


def _arguments(program: Program, inputs: dict[str, Values]) -> list[str]:
    """The lines that make every argument, under its parameter's name."""
    found = []
    for parameter in program.parameters:
        values = inputs[parameter.name]
        made = _array if isinstance(parameter.type, Array) else _scalar
        found.append(f"{_local(program, parameter.name)} = {made(parameter, values)}")
    return found


#: What the scripts use themselves.
_TAKEN: Final = frozenset(
    (
        *("actual", "before", "done", "error", "expected", "np", "result", "results"),
        *("same", "spread", "subprocess", "sys", "tape", "tempfile", "wp"),
    )
)


def _local(program: Program, name: str) -> str:
    return f"{name}_" if name == _kernel(program) or name in _TAKEN else name


def _kernel(program: Program) -> str:
    """The kernel's name in the script."""
    return f"{program.name}_kernel" if program.name in _TAKEN else program.name


def _launch(program: Program, device: str = "cpu") -> str:
    arguments = ", ".join(_local(program, p.name) for p in program.parameters)
    return f'wp.launch({_kernel(program)}, dim={program.launch}, inputs=[{arguments}], device="{device}")'


def _backward(program: Program, cotangents: dict[str, Values]) -> list[str]:
    """A launch, recorded and run backwards."""
    lines = ["with wp.Tape() as tape:", f"    {_launch(program)}"]
    for name, values in cotangents.items():
        parameter = program.parameter(name)
        typed = values.astype(_numpy_type(parameter).removeprefix("np."))
        nested = _nested(_shaped(parameter, typed))
        lines.append(f"{_local(program, name)}.grad.assign(np.array({nested}, {_numpy_type(parameter)}))")
    return [*lines, "tape.backward()"]


def _cell(program: Program, failure: Failure) -> str:
    """The index of the cell that differs, for an array as Warp's ``numpy()`` gives it."""
    assert failure.parameter is not None
    parameter = program.parameter(failure.parameter)
    cell = failure.cell
    if failure.kind is not FailureKind.LAYOUT_MISMATCH and cell:
        position = np.unravel_index(cell[0], parameter.shape)
        cell = (*(int(n) for n in position), *cell[1:])
    return ", ".join(map(str, cell)) or "()"


def _value(program: Program, failure: Failure) -> str:
    assert failure.parameter is not None
    gradient = ".grad" if failure.gradient else ""
    return f"{_local(program, failure.parameter)}{gradient}.numpy()[{_cell(program, failure)}]"


def _compared(
    program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]
) -> list[str]:
    run = _backward(program, cotangents) if failure.gradient else [_launch(program)]
    expected, tolerance = _number(failure.expected), _number(failure.tolerance or 0.0)
    if failure.expected is None:
        return [*_arguments(program, inputs), *run, "sys.exit(0)"]
    right = "np.isnan(actual)" if math.isnan(failure.expected) else f"abs(float(actual) - expected) <= {tolerance}"
    return [
        *_arguments(program, inputs),
        *run,
        f"expected, actual = {expected}, {_value(program, failure)}",
        f'print(f"{_called(failure)}: expected {{expected}}, got {{actual}}")',
        f"sys.exit(0 if {right} else 1)",
    ]


def _called(failure: Failure) -> str:
    return f"gradient of {failure.parameter}" if failure.gradient else f"{failure.parameter}"


def _refused(program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]) -> list[str]:
    return [
        "try:",
        *(f"    {line}" for line in (*_arguments(program, inputs), _launch(program))),
        "except Exception as error:",
        '    print(f"expected: the kernel is built and runs\\nactual: {type(error).__name__}: {error}")',
        "    sys.exit(1)",
        'print("the kernel is built and runs")',
    ]


def _deadly(program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]) -> list[str]:
    run = _backward(program, cotangents) if cotangents else [_launch(program)]
    return [
        'if "--launch" in sys.argv:',
        *(f"    {line}" for line in (*_arguments(program, inputs), *run)),
        "    sys.exit(0)",
        "try:",
        f'    done = subprocess.run([sys.executable, __file__, "--launch"], timeout={HANG_SECONDS}).returncode',
        "except subprocess.TimeoutExpired:",
        f'    done = "none within {HANG_SECONDS} s"',
        'print(f"expected: the process ends with status 0\\nactual: {done}")',
        "sys.exit(0 if done == 0 else 1)",
    ]


def _twice(program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]) -> list[str]:
    results = ", ".join(f"{_local(program, p.name)}.numpy().tobytes()" for p in program.outputs)
    gradients = [p for p in program.arrays if not p.output and types.element_scalar(p.type).is_float]
    left = "".join(f", {_local(program, p.name)}.grad.numpy().tobytes()" for p in gradients if cotangents)
    run = _backward(program, cotangents) if cotangents else [_launch(program)]
    return [
        "def results():",
        *(f"    {line}" for line in (*_arguments(program, inputs), *run)),
        f"    return [{results}{left}]",
        "",
        "",
        "same = results() == results()",
        'print(f"expected: the same bits twice, actual: {same}")',
        "sys.exit(0 if same else 1)",
    ]


def _strided(program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]) -> list[str]:
    """Both launches; a strided array is every other element of one twice as long."""
    arrays = ", ".join(f"{_local(program, p.name)}" for p in program.arrays)
    run = _backward(program, cotangents) if failure.gradient else [_launch(program)]
    return [
        "def spread(array):",
        "    shape = (*array.shape[:-1], 2 * array.shape[-1])",
        "    wide = wp.zeros(shape, dtype=array.dtype, requires_grad=True)",
        "    wide[(slice(None),) * (array.ndim - 1) + (slice(None, None, 2),)].assign(array)",
        "    return wide[(slice(None),) * (array.ndim - 1) + (slice(None, None, 2),)]",
        "",
        "",
        "def result(layout):",
        *(f"    {line}" for line in _arguments(program, inputs)),
        f"    {arrays}, = map(layout, [{arrays}])",
        *(f"    {line}" for line in run),
        f"    return {_value(program, failure)}",
        "",
        "",
        "expected, actual = result(lambda array: array), result(spread)",
        f'print(f"{_called(failure)}: {{expected}} from contiguous arrays, {{actual}} from strided ones")',
        "sys.exit(0 if np.array_equal(expected, actual, equal_nan=True) else 1)",
    ]


def _unchanged(
    program: Program, failure: Failure, inputs: dict[str, Values], cotangents: dict[str, Values]
) -> list[str]:
    assert failure.parameter is not None
    array = _local(program, failure.parameter)
    forward, backward = _backward(program, cotangents)[:2], _backward(program, cotangents)[2:]
    before = f"before = {array}.numpy().copy()"
    run = [before, *forward, *backward]
    if program.parameter(failure.parameter).output:
        run = [*forward, before, *backward]
    return [
        *_arguments(program, inputs),
        *run,
        f'print(f"{failure.parameter}: expected unchanged {{before}}, got {{{array}.numpy()}}")',
        f"sys.exit(0 if np.array_equal(before, {array}.numpy(), equal_nan=True) else 1)",
    ]


def run_repro(path: Path, python: str = sys.executable) -> tuple[int | None, str]:
    """The exit status of a script in a fresh process with a fresh kernel cache (None: out of time), and
    what it printed."""
    with tempfile.TemporaryDirectory(prefix="warpsmith-repro-") as folder:
        environment = {**os.environ, "WARP_CACHE_PATH": folder, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [python, str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPRO_SECONDS,
                env=environment,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None, f"it did not end within {REPRO_SECONDS} s"
    return done.returncode, (done.stdout + done.stderr).replace(folder + os.sep, "").strip()


# ---------------------------------------------------------------- the issue


_SHOULD: Final = {
    FailureKind.REJECTED: "Every construct in the kernel is documented as supported, so it should compile.",
    FailureKind.BUILD_ERROR: "A kernel that Warp accepts should become code that compiles.",
    FailureKind.CRASH: "The kernel does nothing undefined: indices are in range and no divisor is zero.",
    FailureKind.HANG: "Every loop of the kernel ends.",
    FailureKind.FORWARD_MISMATCH: (
        "The expected value is that of the operations' documentation, in the kernel's own precision."
    ),
    FailureKind.BACKWARD_MISMATCH: (
        "The gradient of a sum of the outputs, weighted with the gradients fed back, is a derivative; the expected "
        "value is that of finite differences in double precision. The kernel is within the documented "
        "limits of differentiability."
    ),
    FailureKind.MEMORY: "A kernel should change nothing but the array cells that it stores to.",
    FailureKind.LAYOUT_MISMATCH: (
        "Strides say where elements lie, not what they are: the results should agree to the bit."
    ),
    FailureKind.OPTION_MISMATCH: "The option should not change results.",
    FailureKind.METAMORPHIC_MISMATCH: "The two spellings mean the same, so the results should agree.",
    FailureKind.NONDETERMINISTIC: (
        "No two threads write one cell in an order that matters, so two launches should agree to the bit."
    ),
}


def readme(
    reduced: Reduced,
    bucket: str,
    provenance: Provenance,
    script: str,
    ran: tuple[int | None, str],
    known: KnownIssue | None = None,
    device: str = "cpu",
) -> str:
    """The text of an issue for Warp's tracker."""
    program, failure = reduced.program, reduced.verdict.failure
    assert failure is not None
    status, output = ran
    title = known.title if known is not None else _title(program, failure, bucket)
    parts = [f"# {title}", "", f"**What happens.** {failure.kind.sentence} {_numbers(failure)}".rstrip(), ""]
    if failure.expected is None and failure.message:
        parts += ["```", failure.message.strip(), "```", ""]
    parts += [f"**What should happen.** {_SHOULD[failure.kind]}"]
    parts += [f"- {line}" for line in _documented(program, failure)]
    parts += [
        "",
        "## Reproduction",
        "",
        f"`{REPRO}` needs Warp and NumPy only; it ends with status 1 while the defect is there, and with 0 once it is "
        "fixed.",
        "",
    ]
    if status == FAILING:
        parts += ["In a fresh process:", "", "```", output, "```"]
    else:
        how = "did not end" if status is None else f"ended with status {status}"
        parts += [
            f"**In a fresh process it {how}: the failure was not reproduced by this script alone.** It said:",
            "",
            "```",
            output,
            "```",
        ]
    parts += ["", "```python", script.rstrip("\n"), "```", ""]
    parts += [f"Versions: Warp {provenance.warp}, NumPy {provenance.numpy}. Device: {device}. {_levels(reduced)}", ""]
    if known is not None:
        parts += [f"Known issue `{known.id}` ({known.issue}). Fixed when: {known.fixed_when}", ""]
    else:
        parts += [f"Warp's issue: {NOT_REPORTED}.", ""]
    if (code := _code(reduced)) is not None:
        direction, text = code
        parts += [f"## The generated {direction} function", "", "```cpp", text, "```", ""]
    return "\n".join(parts)


def _title(program: Program, failure: Failure, bucket: str) -> str:
    about = bucket.removeprefix(failure.kind.value).strip("-").replace("-", " ")
    sentence = failure.kind.sentence.rstrip(".")
    return f"{sentence}: {about}" if about else sentence


def _numbers(failure: Failure) -> str:
    if failure.expected is None:
        return ""
    what = f"The gradient of `{failure.parameter}`" if failure.gradient else f"`{failure.parameter}`"
    tolerance = f" (tolerance {failure.tolerance:.3g})" if failure.tolerance else ""
    return f"{what} is {failure.actual!r} where {failure.expected!r} is expected{tolerance}."


def _documented(program: Program, failure: Failure) -> Iterable[str]:
    """What Warp's documentation says of the built-ins that are left."""
    for op in sorted({node.op for node in walk(program) if isinstance(node, Apply | Atomic)}):
        row = OPS.get(op)
        if row is None:
            continue
        differentiable = "documented as differentiable" if row.differentiable else "not documented as differentiable"
        aside = f", {differentiable}" if failure.gradient else ""
        yield f"`{op}` ({row.group}){aside}."


def _levels(reduced: Reduced) -> str:
    match reduced.fails_without_optimization, reduced.fails_by_default:
        case True, True:
            return "It fails at optimization level 0 and at the default level."
        case True, False:
            return "It fails at optimization level 0 and not at the default level."
        case False, True:
            return "It fails at the default optimization level and not at level 0."
    return "Built alone, in a fresh process, the kernel does not fail."


def _code(reduced: Reduced) -> tuple[str, str] | None:
    failure, cpp = reduced.verdict.failure, reduced.verdict.cpp
    if cpp is None or failure is None:
        return None
    direction = "backward" if failure.gradient else "forward"
    try:
        text = backward_text(cpp) if failure.gradient else forward_text(cpp)
    except GeneratedCodeError:
        return None
    if text is None:
        return None
    # what comes before is declarations; comments quote the Python line before the code of each
    head, section, body = text.partition(_SECTIONS[direction])
    text = (section + body if section else head).strip("\n")
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#line")]
    if len(lines) > MAX_CODE_LINES:
        lines = [*lines[:MAX_CODE_LINES], "// …"]
    return direction, "\n".join(lines)


_TEST_TEXT: Final = '''"""The defect of this folder is gone when its script ends with status 0."""

import subprocess
import sys
from pathlib import Path


def test_defect_is_fixed():
    script = Path(__file__).with_name("repro.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
'''


# ---------------------------------------------------------------- the folder


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
        "inputs_seed": verdict.inputs_seed,
        "fails_without_optimization": reduced.fails_without_optimization,
        "fails_by_default": reduced.fails_by_default,
        **evidence,
    }
    level = _level(reduced)
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


def _level(reduced: Reduced) -> int | None:
    return 0 if reduced.fails_without_optimization and not reduced.fails_by_default else None


def _stored(parameter: Parameter, values: Values) -> CaseValues:
    scalar = types.element_scalar(parameter.type).notation
    typed = values.astype("?" if scalar == "bool" else scalar)
    shape = (*parameter.shape, *components(parameter.type))
    return CaseValues.of(scalar, shape, typed.ravel().tolist())


def write_report(
    place: Store | Path,
    reduced: Reduced,
    bucket: str,
    provenance: Provenance,
    known: KnownIssue | None = None,
    *,
    python: str = sys.executable,
    device: str = "cpu",
) -> Report:
    """Store a reduced failure in the folder of its bucket, over an earlier one.

    Args:
        place: a store that is open for writing, or the folder in which the bucket's folder is made.
        reduced: the failure.
        bucket: its bucket.
        provenance: where it came from.
        known: the issue that explains it, if one does.
        python: the interpreter whose Warp has the failure: the script is run with it.
        device: where the failure was seen, for the reader.
    """
    verdict, failure = reduced.verdict, reduced.verdict.failure
    assert failure is not None
    script = repro(reduced.program, failure, verdict.inputs, verdict.cotangents, _level(reduced))
    with tempfile.TemporaryDirectory(prefix="warpsmith-repro-") as scratch:
        path = Path(scratch) / REPRO
        path.write_text(script, encoding="utf-8")
        ran = run_repro(path, python)
        ran = (ran[0], ran[1].replace(scratch + os.sep, ""))
    confirmed = ran[0] == FAILING
    case = make_case(reduced, bucket, provenance, confirmed=confirmed, known=None if known is None else known.id)
    if isinstance(place, Store):
        folder = place.save_case(case)
    else:
        folder = place / bucket
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / CASE, [encode_case(case) + b"\n"])
    issue = readme(reduced, bucket, provenance, script, ran, known, device)
    for name, text in ((REPRO, script), (README, issue), (TEST, _TEST_TEXT)):
        replace_file(folder / name, [text.encode()])
    return Report(folder, confirmed, ran[1])
