"""Scripts of Warp and NumPy alone that show a failure, and pytest regressions that do the same.

Both are rendered from the syntax tree, the inputs and the evidence of a failure.  A script ends with status 1
while the failure is there and with 0 once it is gone, and says what it expected and what it got.  A regression is
one file that any project's tests can take in.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from harness.lanes import Values
from harness.launches import COPIED, WITHHELD
from harness.probes import other_spelling
from harness.probes.hashes import varied
from harness.probes.host_cuda import ARCH, CUDA
from harness.probes.sweeps import SWEEP_NAMES, Sweep, with_mute
from harness.probes.tapes import INDEXED_ARRAY, LIST_CHANGED, STRUCT_CHANGED
from harness.verdict import Failure, FailureKind
from harness.verify import AGAIN, AROUND, CUDA_TEXT
from strategies.language import types
from strategies.language.indexed import all_members, data_of, places_of
from strategies.language.nodes import IndexedParameter, Parameter, Program, StructParameter
from strategies.language.render import IMPORT_ANY, INDENT, render, type_name
from strategies.language.structs import leaves
from strategies.language.types import Array, Composite, Matrix, Struct

REPRO: Final = "repro.py"
TEST: Final = "test_repro.py"

#: Seconds on the clock for a reproduction: it imports Warp and builds one kernel.
REPRO_SECONDS: Final = 180
#: Seconds after which the script itself takes a kernel for hanging.
HANG_SECONDS: Final = 60
#: Bytes on each side of an array of which a script sees whether they change.
GUARD_BYTES: Final = 4096
#: Exit statuses of a reproduction.
FIXED, FAILING = 0, 1
#: The kernel in its second spelling.
RESPELLED: Final = "respelled"
_DECORATOR: Final = "@wp.kernel"
_ANY: Final = re.compile(r"\bAny\b")
#: How Python begins to tell of an exception that nobody caught, which ends a script with status 1 as well.
TRACEBACK: Final = "Traceback (most recent call last)"
#: What Warp says first on a machine without a GPU, which has no bearing on a failure on the CPU.
_NO_DRIVER: Final = re.compile(
    r"^Warp CUDA warning: Could not find or load the NVIDIA CUDA driver\b.*\n?", re.MULTILINE
)
#: Where a machine keeps its packages, which is of no use to another.
_INSTALLED: Final = re.compile(r"[^\s'\"=]*/(?:site|dist)-packages/")


@dataclass(frozen=True)
class Shown:
    """A failure and the inputs that show it; `level` is the optimization level that it needs, None for any."""

    program: Program
    failure: Failure
    inputs: Mapping[str, Values]
    cotangents: Mapping[str, Values]
    level: int | None = None


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
        imports.insert(0, "import subprocess")
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
    standard = [*(["import subprocess", "import sys"] if check.proof is _Proof.ENDED else []), *_any(kernel)]
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
    text = render(shown.program, _kernel(shown.program))
    if shown.failure.kind is FailureKind.STALE_BINARY:
        return _factory(shown, text)
    if not _both_run(shown):
        other = other_spelling(shown.program, shown.failure.variant)
        text = render(other, _kernel(other)) if other is not shown.program else text
    sweep = SWEEP_NAMES.get(shown.failure.variant)
    if sweep is not None and sweep.with_mute:
        text = with_mute(text, _kernel(shown.program))
    _, _, own = text.removeprefix(f"{IMPORT_ANY}\n\n").partition("\n")
    return ["", "", *own.strip("\n").split("\n"), "", ""]


def _factory(shown: Shown, text: str) -> list[str]:
    """The function that makes the kernel, of what varies."""
    made = varied(shown.failure.variant, text, shown.program)
    return ["", "", *made.factory(_kernel(shown.program), f'{_DECORATOR}(module="unique")'), "", ""]


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
                "try:",
                f'    done = subprocess.run([sys.executable, __file__, "--launch"], timeout={HANG_SECONDS}).returncode',
                "except subprocess.TimeoutExpired:",
                f'    done = "none within {HANG_SECONDS} s"',
                'print(f"expected: the process ends with status 0\\nactual: {done}")',
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
            run = f"done = subprocess.run([sys.executable, __file__], timeout={HANG_SECONDS}, check=False)"
            return [
                f"def test_{name}():",
                *_block([run, "assert done.returncode == 0"]),
                "",
                "",
                'if __name__ == "__main__":',
                *_block(check.steps),
            ]


# ---------------------------------------------------------------- values


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
    of = parameter.type.dtype if isinstance(parameter.type, Array) else parameter.type
    return values.reshape(*parameter.shape, *(of.shape if isinstance(of, Composite) else ()))


def _array(parameter: Parameter, values: Values, gradient: bool) -> str:
    """The expression of a Warp array with `values`, and a gradient."""
    assert isinstance(parameter.type, Array)
    contents = _shaped(parameter, values)
    dtype = _numpy_type(parameter)
    if contents.size > 4 and np.all(contents == contents.flat[0]):
        made = f"np.full({contents.shape}, {_number(contents.flat[0])}, {dtype})"
    else:
        made = f"np.array({_nested(contents)}, {dtype})"
    return f"wp.array({made}, dtype={type_name(parameter.type.dtype)}, requires_grad={gradient})"


def _scalar(parameter: Parameter, values: Values) -> str:
    if isinstance(parameter.type, Composite):
        return f"{type_name(parameter.type)}({', '.join(_number(v) for v in values[0])})"
    number = _number(values[0])
    return f"{type_name(parameter.type)}({number})" if parameter.generic else number


def _withheld(shown: Shown) -> str | None:
    """The array that had no gradient in the launch that failed."""
    launch = shown.failure.launch
    return launch.removeprefix(WITHHELD) if launch.startswith(WITHHELD) else None


def _copied(shown: Shown) -> list[str]:
    """The arrays that were copied on the tape of the launch that failed."""
    if shown.failure.launch != COPIED:
        return []
    fields = {s.name for s in shown.program.structs if s.ndim}
    parts = all_members(shown.program)
    return [name for name in shown.cotangents if name.partition(".")[0] not in fields and name not in parts]


def _arguments(shown: Shown) -> list[str]:
    """The lines that make every argument, under its parameter's name."""
    found, constant = [], all_members(shown.program)
    for parameter in shown.program.parameters:
        values = shown.inputs[parameter.name]
        if isinstance(parameter.type, Array):
            made = _array(parameter, values, parameter.name != _withheld(shown) and parameter.name not in constant)
        else:
            made = _scalar(parameter, values)
        found.append(f"{_local(shown.program, parameter.name)} = {made}")
    for struct in shown.program.structs:
        found += _struct(shown.program, struct)
    for given in shown.program.indexed:
        found += _indexed(shown, given)
    return found


def _indexed(shown: Shown, given: IndexedParameter) -> list[str]:
    """The lines that make an indexed array of its parts, which are there."""
    program = shown.program
    called, data = _local(program, given.name), _local(program, data_of(given.name))
    ndim = len(program.parameter(data_of(given.name)).shape)
    places = [_local(program, places_of(given.name, n)) if n in given.axes else "None" for n in range(ndim)]
    made = f"{called} = wp.indexedarray({data}, [{', '.join(places)}])"
    launched = shown.failure.kind not in (FailureKind.REJECTED, FailureKind.BUILD_ERROR)
    launched = launched and shown.failure.variant != INDEXED_ARRAY
    return [made, f"{called}.grad = None  # a tape asks for it"] if launched else [made]


def _struct(program: Program, struct: StructParameter) -> list[str]:
    """The lines that make a struct, or an array of structs, of its fields, which are there."""
    assert isinstance(struct.type, Struct)
    called, of = _local(program, struct.name), struct.type.name
    paths = [path for path, _ in leaves(struct.type)]
    fields = {path: _local(program, f"{struct.name}.{path}") for path in paths}
    if not struct.ndim:
        return [f"{called} = {of}()", *(f"{called}.{path} = {field}" for path, field in fields.items())]
    shape = program.parameter(f"{struct.name}.{paths[0]}").shape
    return [
        f"{called} = wp.array(np.zeros({shape}, {of}.numpy_dtype()), dtype={of}, requires_grad=True)",
        *(f"{called}.numpy(){_subscripts(path)} = {field}.numpy()" for path, field in fields.items()),
    ]


def _subscripts(path: str) -> str:
    return "".join(f'["{name}"]' for name in path.split("."))


def _read(program: Program, name: str, gradient: bool = False) -> str:
    """The expression of an array's contents, or those of its gradient."""
    whole, _, path = name.partition(".")
    if any(s.name == whole and s.ndim for s in program.structs):
        return f"{_local(program, whole)}{'.grad' if gradient else ''}.numpy(){_subscripts(path)}"
    return f"{_local(program, name)}{'.grad' if gradient else ''}.numpy()"


#: What the scripts use themselves.
_TAKEN: Final = frozenset(
    (
        *(
            "actual",
            "before",
            "done",
            "error",
            "expected",
            "first",
            "given",
            "inputs",
            "make",
            "np",
            "result",
            "results",
        ),
        *(
            "around",
            "guarded",
            "memory",
            "moved",
            "same",
            "respelled",
            "spread",
            "subprocess",
            "sys",
            "tape",
            "tempfile",
            "wp",
        ),
    )
)


def _local(program: Program, name: str) -> str:
    name = name.replace(".", "_")
    return f"{name}_" if name == _kernel(program) or name in _TAKEN else name


def _kernel(program: Program) -> str:
    """The kernel's name in the script."""
    return f"{program.name}_kernel" if program.name in _TAKEN else program.name


def _launch(program: Program, device: str = "cpu", own: bool = False) -> str:
    """The launch; with `own`, on arrays of its own that hold the same."""
    structs = {s.name for s in program.structs} | {given.name for given in program.indexed}
    wholes = dict.fromkeys(w if (w := p.name.partition(".")[0]) in structs else p.name for p in program.parameters)
    given = {name: _local(program, name) for name in wholes}
    if own:
        given |= {
            p.name: f"wp.array({given[p.name]}.numpy(), dtype={given[p.name]}.dtype, requires_grad=True)"
            for p in program.arrays
        }
    arguments = ", ".join(given.values())
    if program.block_dim:
        tiled = f"wp.launch_tiled({_kernel(program)}, dim={program.launch}, inputs=[{arguments}]"
        return f'{tiled}, block_dim={program.block_dim}, device="{device}")'
    return f'wp.launch({_kernel(program)}, dim={program.launch}, inputs=[{arguments}], device="{device}")'


def _backward(shown: Shown) -> list[str]:
    """A launch, recorded and run backwards."""
    program = shown.program
    lines = ["with wp.Tape() as tape:"]
    if shown.failure.launch == COPIED and not program.structs and not program.indexed:
        lines.append(f"    {_launch(program, own=True)}")
    lines.append(f"    {_launch(program)}")
    copies = {name: f"copy_{n}" for n, name in enumerate(_copied(shown))}
    lines += [f"    {copy} = wp.clone({_local(program, name)}, requires_grad=True)" for name, copy in copies.items()]
    for name, values in shown.cotangents.items():
        if name == _withheld(shown) or name in all_members(program):
            continue
        parameter = program.parameter(name)
        typed = values.astype(_numpy_type(parameter).removeprefix("np."))
        nested = _nested(_shaped(parameter, typed))
        made = f"np.array({nested}, {_numpy_type(parameter)})"
        if any(s.name == name.partition(".")[0] and s.ndim for s in program.structs):
            lines.append(f"{_read(program, name, gradient=True)}[...] = {made}")
        else:
            lines.append(f"{copies.get(name) or _local(program, name)}.grad.assign({made})")
    return [*lines, *["tape.backward()"] * (2 if shown.failure.launch == AGAIN else 1)]


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
                    found.append(f"{_local(program, struct.name)}.{path} = {type_name(field)}()")
    return found


def _taped(shown: Shown) -> _Check:
    """The gradients after something has happened to the arguments; or that there are any."""
    check = _compared(shown)
    steps = [step for line in check.steps for step in (*(_between(shown) if line == "tape.backward()" else ()), line)]
    if shown.failure.variant == LIST_CHANGED:
        launch = _launch(shown.program)
        given = launch[launch.index("[") : launch.rindex("]") + 1]
        at = steps.index("with wp.Tape() as tape:")
        changed = (line.replace(f"inputs={given}", "inputs=inputs") for line in steps[at:])
        steps = [*steps[:at], f"inputs = {given}", *changed]
    if shown.failure.face is FailureKind.REJECTED:
        return _Check([*_arguments(shown), *_backward(shown)], proof=_Proof.ACCEPTED)
    return replace(check, steps=steps)


def _run(shown: Shown, backward: bool) -> list[str]:
    return _backward(shown) if backward else [_launch(shown.program)]


def _cell(shown: Shown) -> str:
    """The index of the cell that differs, for an array as Warp's ``numpy()`` gives it."""
    failure = shown.failure
    assert failure.parameter is not None
    parameter = shown.program.parameter(failure.parameter)
    cell = failure.cell
    if failure.kind is not FailureKind.LAYOUT_MISMATCH and cell:
        position = np.unravel_index(cell[0], parameter.shape)
        number = cell[1:]
        of = parameter.type.dtype if isinstance(parameter.type, Array) else parameter.type
        if isinstance(of, Matrix) and number:
            # its numbers are counted row by row
            number = divmod(number[0], of.columns)
        cell = (*(int(n) for n in position), *number)
    return ", ".join(map(str, cell)) or "()"


def _value(shown: Shown) -> str:
    assert shown.failure.parameter is not None
    return f"{_read(shown.program, shown.failure.parameter, shown.failure.gradient)}[{_cell(shown)}]"


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
    failure, own = shown.failure, _kernel(shown.program)
    other, text = _other_kernel(shown)
    run = [line.replace(f"({own},", "(kernel,").replace("], device", ", *more], device")
           for line in _run(shown, failure.gradient)]  # fmt: skip
    more = "".join(f", {int(p.low)}" for p in other.parameters[len(shown.program.parameters) :])
    helpers = (
        *text, "", "", "def result(kernel, *more):",
        *_block([*_arguments(shown), *run, f"return {_value(shown)}"]),
    )  # fmt: skip
    steps = [f"expected, actual = result({own}), result({RESPELLED}{more})"]
    tolerance = _number(failure.tolerance or 0.0)
    right = f"expected == actual or abs(float(actual) - float(expected)) <= {tolerance}"
    return _Check(steps, right, f"{_called(failure)}: {{expected}} in one spelling, {{actual}} in the other", helpers)


def _swept(shown: Shown, sweep: Sweep) -> _Check:
    """Both builds, one after the other: Warp builds a module anew when its options have changed."""
    failure, level = shown.failure, {} if shown.level is None else {"optimization_level": shown.level}
    run = [line.replace('device="cpu")', 'device="cpu", **more)') for line in _run(shown, failure.gradient)]
    helpers = (
        "def result(options, config, **more):",
        "    for name, value in config.items():",
        "        setattr(wp.config, name, value)",
        "    wp.set_module_options(options)",
        *_block([*_arguments(shown), *run, f"return {_value(shown)}"]),
    )
    more = "" if sweep.block_dim is None else f", block_dim={sweep.block_dim}"
    other = f"result({ {**level, **sweep.module}!r}, {dict(sweep.config)!r}{more})".replace("'", '"')
    steps = [f"expected, actual = result({level!r}, {{}}), {other}".replace("'", '"')]
    tolerance = _number(failure.tolerance or 0.0)
    right = f"expected == actual or abs(float(actual) - float(expected)) <= {tolerance}"
    said = f"{_called(failure)}: {{expected}} plainly, {{actual}} with {failure.variant}"
    return _Check(steps, right, said, helpers)


def _stale(shown: Shown) -> _Check:
    """Both kernels, one after the other: the second must not be run by the binary of the first."""
    failure, own = shown.failure, _kernel(shown.program)
    one, other = varied(failure.variant, render(shown.program, own), shown.program).values
    assert failure.expected is not None
    run = _launch(shown.program).replace(f"({own},", "(kernel,")
    helpers = ("def result(kernel):", *_block([*_arguments(shown), run, f"return {_value(shown)}"]))
    steps = [f"first, actual = result(make({one})), result(make({other}))", f"expected = {_number(failure.expected)}"]
    said = f"{_called(failure)}: expected {{expected}}, got {{actual}}, after {{first}} of a kernel that differs"
    return _Check(steps, _is_right(failure.expected, _number(failure.tolerance or 0.0)), said, helpers)


def _compared(shown: Shown) -> _Check:
    failure = shown.failure
    steps = [*_arguments(shown), *_run(shown, failure.gradient)]
    if failure.expected is None:
        return _Check(steps, right="True", said="nothing is known to compare with")
    expected, tolerance = _number(failure.expected), _number(failure.tolerance or 0.0)
    return _Check(
        [*steps, f"expected, actual = {expected}, {_value(shown)}"],
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


def _called(failure: Failure) -> str:
    return f"gradient of {failure.parameter}" if failure.gradient else f"{failure.parameter}"


def _refused(shown: Shown) -> _Check:
    if shown.failure.launch == CUDA_TEXT:
        # NVRTC comes with Warp and needs no device.
        aot = f"wp.compile_aot_module({_kernel(shown.program)}.module, arch={ARCH}, use_ptx=True, "
        return _Check([aot + "module_dir=tempfile.mkdtemp())"], proof=_Proof.ACCEPTED)
    return _Check([*_arguments(shown), _launch(shown.program)], proof=_Proof.ACCEPTED)


def _deadly(shown: Shown) -> _Check:
    return _Check([*_arguments(shown), *_run(shown, bool(shown.cotangents))], proof=_Proof.ENDED)


def _twice(shown: Shown) -> _Check:
    program = shown.program
    results = ", ".join(f"{_read(program, p.name)}.tobytes()" for p in program.outputs)
    gradients = [p for p in program.arrays if not p.output and types.element_scalar(p.type).is_float]
    left = "".join(f", {_read(program, p.name, gradient=True)}.tobytes()" for p in gradients if shown.cotangents)
    helpers = (
        "def results():",
        *_block([*_arguments(shown), *_run(shown, bool(shown.cotangents)), f"return [{results}{left}]"]),
    )
    steps = ["same = results() == results()"]
    return _Check(steps, "same", "expected: the same bits twice, actual: {same}", helpers)


def _strided(shown: Shown) -> _Check:
    """Both launches; a strided array is every other element of one twice as long."""
    structs = {s.name for s in shown.program.structs if s.ndim}
    program = shown.program
    places = all_members(program) - {data_of(given.name) for given in program.indexed}
    names = dict.fromkeys(
        w if (w := p.name.partition(".")[0]) in structs else p.name for p in program.arrays if p.name not in places
    )
    arrays = ", ".join(_local(shown.program, name) for name in names)
    helpers = (
        "def spread(array):",
        "    shape = (*array.shape[:-1], 2 * array.shape[-1])",
        "    wide = wp.zeros(shape, dtype=array.dtype, requires_grad=True)",
        "    wide[(slice(None),) * (array.ndim - 1) + (slice(None, None, 2),)].assign(array)",
        "    return wide[(slice(None),) * (array.ndim - 1) + (slice(None, None, 2),)]",
        "",
        "",
        "def result(layout):",
        *_block(_arguments(shown)),
        f"    {arrays}, = map(layout, [{arrays}])",
        *_block([line for given in program.indexed for line in _indexed(shown, given)]),
        *_block(_run(shown, shown.failure.gradient)),
        f"    return {_value(shown)}",
    )
    return _Check(
        ["expected, actual = result(lambda array: array), result(spread)"],
        "np.array_equal(expected, actual, equal_nan=True)",
        f"{_called(shown.failure)}: {{expected}} from contiguous arrays, {{actual}} from strided ones",
        helpers,
    )


def _guarded(shown: Shown) -> _Check:
    """The launch on arrays in the middle of larger memory, around which nothing may change."""
    program = shown.program
    structs = {s.name for s in program.structs}
    names = [_local(program, p.name) for p in program.arrays if p.name.partition(".")[0] not in structs]
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
    steps = [*_arguments(shown), *(f"{name} = moved({name})" for name in names)]
    steps += [*_run(shown, bool(shown.cotangents))]
    steps.append(f"around = np.concatenate([part for m in memory for part in (m[:{GUARD_BYTES}], m[-{GUARD_BYTES}:])])")
    said = "expected 165 in each byte around the arrays, got {np.unique(around)}"
    return _Check(steps, "bool(np.all(around == 165))", said, helpers)


def _unchanged(shown: Shown) -> _Check:
    failure = shown.failure
    assert failure.parameter is not None
    if failure.message.startswith(AROUND):
        return _guarded(shown)
    array = _read(shown.program, failure.parameter)
    forward, backward = _backward(shown)[:2], _backward(shown)[2:]
    before = f"before = {array}.copy()"
    run = [before, *forward, *backward]
    if shown.program.parameter(failure.parameter).output:
        run = [*forward, before, *backward]
    return _Check(
        [*_arguments(shown), *run],
        f"np.array_equal(before, {array}, equal_nan=True)",
        f"{failure.parameter}: expected unchanged {{before}}, got {{{array}}}",
    )


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


# ---------------------------------------------------------------- running one


class Ran(NamedTuple):
    """How a script ended: its exit status (None: out of time), and what it printed."""

    status: int | None
    output: str

    @property
    def fails(self) -> bool:
        """Whether it showed the failure; an exception of its own shows nothing."""
        return self.status == FAILING and TRACEBACK not in self.output

    @property
    def fixed(self) -> bool:
        """Whether it showed that the failure is gone."""
        return self.status == FIXED

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        return "did not end" if self.status is None else f"ended with status {self.status}"


#: Runs a script as it is. One kernel is built sooner without a precompiled header, which would have to be built first.
#: It ends with the process that runs it, where the system knows how (`PR_SET_PDEATHSIG`, `SIGKILL`).
_AS_IT_IS: Final = """
import contextlib, ctypes, runpy, sys
with contextlib.suppress(OSError, AttributeError):
    ctypes.CDLL(None).prctl(1, 9)
import warp
warp.config.use_precompiled_headers = False
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_repro(script: str, python: str = sys.executable) -> Ran:
    """Run the text of a script in a fresh process, with a fresh kernel cache, by `python`."""
    with tempfile.TemporaryDirectory(prefix="warpsmith-repro-") as folder:
        path = Path(folder) / REPRO
        path.write_text(script, encoding="utf-8")
        environment = {**os.environ, "WARP_CACHE_PATH": folder, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        if paths := os.environ.get("PYTHONPATH"):
            # the script runs in another folder, and must find the same Warp
            environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, paths.split(os.pathsep)))
        try:
            done = subprocess.run(
                [python, "-c", _AS_IT_IS, str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPRO_SECONDS,
                env=environment,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran(None, f"it did not end within {REPRO_SECONDS} s")
    said = _NO_DRIVER.sub("", done.stdout + done.stderr).replace(folder + os.sep, "")
    return Ran(done.returncode, _INSTALLED.sub("", said).strip())
