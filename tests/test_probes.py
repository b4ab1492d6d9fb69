"""What a second way of running a program promises: it counts only if it is another way, and a difference is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest
from planted import Defect, sandbox_with
from tiny import apply, kernel

from harness.jobs import BuildOptions, Versions
from harness.probes import PROBES, probe_of_batch, probed
from harness.probes.host_cuda import CUDA
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import bucket
from harness.verdict import FailureKind, Verdict
from harness.verify import jobs, settle, try_expect
from strategies.language.nodes import Options, Program
from strategies.language.types import FLOAT32

HEADER = "native/builtin.h"
#: a cube root that is wrong in debug mode, a hyperbolic cosine that is so for NaN and infinities, an arctangent that is
#: so in blocks of 64, CUDA text that leaves out every other thread
DEFECTS = (
    Defect(
        HEADER,
        r"(CUDA_CALLABLE float cbrt\(float x\) \{) return ::cbrtf\(x\); \}",
        r"\1\n#ifdef NDEBUG\n return ::cbrtf(x); }\n#else\n return 1.5f * ::cbrtf(x); }\n#endif",
    ),
    Defect(
        HEADER,
        r"(CUDA_CALLABLE float cosh\(float x\) \{) return ::coshf\(x\); \}",
        r"\1\n#ifdef NDEBUG\n return ::coshf(x); }\n#else\n return x - x != 0 ? 1.5f : ::coshf(x); }\n#endif",
    ),
    Defect(
        HEADER,
        r"(CUDA_CALLABLE float atan\(float x\) \{) return ::atanf\(x\); \}",
        r"\1\n#if WP_TILE_BLOCK_DIM == 64\n return 1.5f * ::atanf(x); }\n#else\n return ::atanf(x); }\n#endif",
    ),
    Defect(
        "_src/codegen.py",
        r'(cuda_kernel_template_forward_grid_stride = """[\s\S]*?_idx \+= )(static_cast<size_t>\(blockDim)',
        r"\1 2 * \2",
    ),
)
CUBE_ROOT = kernel(FLOAT32, lambda a, b: apply("add", apply("cbrt", a), b), low=0.5)
COSINE = kernel(FLOAT32, lambda a, b: apply("add", apply("cosh", a), b))
ARCTANGENT = kernel(FLOAT32, lambda a, b: apply("add", apply("atan", a), b))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """On a Warp with defects, which other processes are given too while it is there."""
    with sandbox_with(tmp_path_factory.mktemp("warp"), DEFECTS) as found:
        yield found


def through(name: str, programs: Sequence[Program], sandbox: Sandbox) -> tuple[list[Verdict], list[bool]]:
    """What a probe finds of programs, and on which of them it counts."""
    expectations = [try_expect(program, 0) for program in programs]
    results = sandbox.run(jobs(expectations), BuildOptions(0, digest=True))
    verdicts = settle(expectations, results, sandbox)
    assert all(verdict.verified for verdict in verdicts)
    found, counted = probed(PROBES[name], expectations, results, verdicts, sandbox)
    return found, list(counted.values())


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("debug mode", CUBE_ROOT, ARCTANGENT),
        ("debug mode", COSINE, ARCTANGENT),
        ("block_dim 64", ARCTANGENT, CUBE_ROOT),
    ],
    ids=["everywhere", "for what is not finite", "in large blocks"],
)
def test_what_an_option_changes_is_a_mismatch_that_its_script_shows(
    name: str, wrong: Program, right: Program, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    (bad, good), counted = through(name, [wrong, right], sandbox)
    assert counted == [True, True]
    assert good.verified
    failure = bad.failure
    assert failure is not None
    assert (failure.kind, failure.face) == (FailureKind.OPTION_MISMATCH, FailureKind.FORWARD_MISMATCH)
    assert (failure.launch == "nonfinite") is (wrong is COSINE)
    assert bucket(wrong, failure).startswith("option-mismatch-" + name.replace(" ", "-"))
    script = repro(Shown(wrong, failure, bad.inputs, bad.cotangents, level=0))
    assert run_repro(script).fails
    monkeypatch.delenv("PYTHONPATH")
    assert run_repro(script).fixed


def test_an_option_that_changes_no_code_counts_for_nothing(sandbox: Sandbox):
    (verdict,), counted = through("max_unroll 64", [CUBE_ROOT], sandbox)
    assert verdict.verified
    assert counted == [False]


def test_most_batches_of_a_hunt_stay_plain_and_every_probe_has_its_turn():
    found = [probe_of_batch(number) for number in range(8 * len(PROBES))]
    assert found.count(None) == 7 * len(PROBES)
    assert {probe.name for probe in found if probe is not None} == set(PROBES)
    assert probe_of_batch(0, ["debug mode"]) is PROBES["debug mode"]


def test_a_probe_says_what_a_release_lacks():
    reason = PROBES["block_dim 64"].unavailable(Versions("1.14.0", "2.0", frozenset({"mode"})))
    assert reason == "Warp 1.14.0 has no enable_cpu_blocks"


def test_cuda_source_is_run_on_the_host_and_judged_by_the_reference(sandbox: Sandbox):
    (verdict,), counted = through(CUDA, [CUBE_ROOT], sandbox)
    assert counted == [True]
    assert verdict.failure is not None
    assert (verdict.failure.parameter, verdict.failure.gradient) == ("out", False)
    assert verdict.failure.cell[0] % 2 == 1
    assert "cuda_kernel_forward" in (verdict.cpp or "")


def test_cuda_source_of_warp_as_it_is_agrees_forward_and_backward(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with Sandbox() as healthy:
        (verdict,), counted = through(CUDA, [ARCTANGENT], healthy)
    assert verdict.verified
    assert counted == [True]


def test_cuda_text_without_a_backward_pass_is_run_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    forward = msgspec.structs.replace(CUBE_ROOT, options=Options(enable_backward=False))
    with Sandbox() as healthy:
        (verdict,), counted = through(CUDA, [forward], healthy)
    assert verdict.verified
    assert counted == [True]
