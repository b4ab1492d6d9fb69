"""What the sandbox promises, with real kernels in real processes."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.jobs import (
    ArrayArgument,
    ArrayResult,
    BuildOptions,
    Job,
    JobResult,
    Launch,
    ScalarArgument,
    Status,
    VectorArgument,
)
from harness.sandbox import Sandbox, SandboxError, remove_stale_folders
from harness.worker import frames as wire

SCALE = """\
a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)
i = wp.tid()
out[i] = a[i] * a[i]
"""

NEXT_CELL = """\
a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)
i = wp.tid()
out[i + 1] = a[i]
"""

FAR_AWAY = """\
a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)
i = wp.tid() + 1
out[i * 400000000] = a[i - 1]
"""

FOREVER = """\
a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)
i = wp.tid()
while a[i] < 1000.0:
    out[i] = a[i]
"""

REJECTED = """\
a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)
i = wp.tid()
out[i] = a[i] + wp.float64(1.0)
"""


def source(entry: str, text: str) -> str:
    """A module with one kernel, from its parameters (first line) and its body."""
    parameters, body = text.split("\n", 1)
    return f"import warp as wp\n\n\n@wp.kernel\ndef {entry}({parameters}):\n" + textwrap.indent(body, "    ")


def floats(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, np.float32)


def job(entry: str, text: str = SCALE, **keywords: Any) -> Job:
    """A job over three lanes, from `a` to `out`."""
    arguments = (
        ArrayArgument("float32", floats(1, 2, 3), stride=keywords.pop("stride", 1)),
        ArrayArgument("float32", floats(0, 0, 0), cotangent=floats(1, 10, 100), stride=keywords.pop("out", 1)),
    )
    return Job(source(entry, text), entry, (Launch((3,), arguments, **keywords),))


def array(result: JobResult, position: int) -> ArrayResult:
    assert result.status is Status.OK, result.message
    found = result.launches[0].arrays[position]
    assert found is not None
    return found


def assert_scaled(result: JobResult) -> None:
    np.testing.assert_array_equal(array(result, 1).data, floats(1, 4, 9))
    np.testing.assert_array_equal(array(result, 0).gradient, floats(2, 40, 600))
    assert all(entry is not None and entry.canary_intact for entry in result.launches[0].arrays)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(root=tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened


@pytest.fixture
def impatient(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same sandbox with a second of CPU time for a program: enough to build one without optimisation."""
    before, sandbox.cpu_seconds = sandbox.cpu_seconds, 1.0
    yield sandbox
    sandbox.cpu_seconds = before


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition: Any, what: str) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"waited in vain: {what}")


def test_forward_and_backward_values_are_warps(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("k", twice=True)])
    assert_scaled(result)
    assert result.launches[0].same_bits is True
    assert all(entry is not None and entry.intact_after_backward for entry in result.launches[0].arrays)


@pytest.mark.parametrize(("stride", "out"), [(2, 1), (1, 3), (4, 2)])
def test_strided_arrays_give_the_same_values(sandbox: Sandbox, stride: int, out: int) -> None:
    (result,) = sandbox.run([job("k", stride=stride, out=out)])
    assert_scaled(result)


def test_two_dimensional_strided_arrays_keep_their_layout(sandbox: Sandbox) -> None:
    text = """\
    a: wp.array2d(dtype=wp.float64), out: wp.array2d(dtype=wp.float64)
    i, j = wp.tid()
    out[i, j] = a[i, j] * wp.float64(i * 10 + j)
    """
    data = np.arange(1.0, 7.0).reshape(2, 3)
    arguments = (
        ArrayArgument("float64", data, stride=2),
        ArrayArgument("float64", np.zeros((2, 3)), stride=3, cotangent=np.ones((2, 3))),
    )
    (result,) = sandbox.run([Job(source("k", textwrap.dedent(text)), "k", (Launch((2, 3), arguments),))])
    factors = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])
    np.testing.assert_array_equal(array(result, 1).data, data * factors)
    np.testing.assert_array_equal(array(result, 0).gradient, factors)
    assert array(result, 0).canary_intact
    assert array(result, 1).canary_intact


def test_every_kind_of_argument_arrives(sandbox: Sandbox) -> None:
    parameters = (
        "n: wp.array(dtype=wp.int32), v: wp.array(dtype=wp.vec3), h: wp.float16, b: wp.bool, w: wp.vec2, "
        "d: wp.uint64, out: wp.array(dtype=wp.vec3)\n"
    )
    body = """\
    i = wp.tid()
    if b:
        out[i] = v[i] * (wp.float32(h) + w[1] + wp.float32(n[i]) + wp.float32(d))
    """
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    arguments = (
        ArrayArgument("int32", np.array([7, 8], np.int32), cotangent=np.array([3, 4], np.int32)),
        ArrayArgument("float32", vectors, components=3),
        ScalarArgument("float16", 0.5),
        ScalarArgument("bool", True),
        VectorArgument("float32", (1.0, 2.0)),
        ScalarArgument("uint64", 2**40),
        ArrayArgument("float32", np.zeros((2, 3), np.float32), components=3, gradient=False),
    )
    text = source("k", parameters + textwrap.dedent(body))
    (result,) = sandbox.run([Job(text, "k", (Launch((2,), arguments),))])
    factors = floats(2**40 + 9.5, 2**40 + 10.5)
    np.testing.assert_array_equal(array(result, 6).data, vectors * factors[:, None])
    assert array(result, 6).gradient is None
    np.testing.assert_array_equal(array(result, 0).gradient, np.array([3, 4], np.int32))
    assert result.launches[0].arrays[2:6] == (None,) * 4


def test_half_of_the_launch_can_be_left_out(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("k", backward=False)])
    assert array(result, 0).gradient is None
    assert result.launches[0].same_bits is None


def test_a_write_just_behind_an_array_is_seen(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("k", NEXT_CELL)])
    assert array(result, 0).canary_intact
    assert not array(result, 1).canary_intact


def test_a_write_between_the_cells_of_a_strided_array_is_seen(sandbox: Sandbox) -> None:
    text = SCALE + "cells = wp.array(ptr=a.ptr, shape=(6,), dtype=wp.float32)\ncells[1] = 5.0\n"
    (result,) = sandbox.run([job("k", text, stride=2, backward=False)])
    assert not array(result, 0).canary_intact
    assert array(result, 1).canary_intact


def test_a_segmentation_fault_is_a_crash(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("k", FAR_AWAY)])
    assert result.status is Status.CRASH
    assert result.stage == "launch"
    assert "SIGSEGV" in result.message
    assert result.cpp is not None


def test_an_endless_loop_is_a_hang(impatient: Sandbox) -> None:
    (result,) = impatient.run([job("k", FOREVER)])
    assert (result.status, result.stage) == (Status.HANG, "launch")


def test_waiting_forever_is_a_hang(tmp_path: Path) -> None:
    sleep = Job("import time\ntime.sleep(1000)\n", "k")
    with Sandbox(root=tmp_path, wall_seconds=0.5) as sandbox:
        (result,) = sandbox.run([sleep])
    assert (result.status, result.stage) == (Status.HANG, "define")
    assert "0.5 s on the clock" in result.message


def test_what_warp_refuses_is_rejected_in_warps_words(sandbox: Sandbox) -> None:
    refused, unknown = sandbox.run([job("r", REJECTED), Job("import warp as wp\n1 / 0\n", "k")])
    assert (refused.status, refused.stage) == (Status.REJECTED, "build")
    assert "Input types must be the same, got ['float32', 'float64']" in refused.message
    assert "kernel_0.py:7" in refused.message
    assert refused.cpp is None
    assert (unknown.status, unknown.stage) == (Status.REJECTED, "define")
    assert unknown.message == "ZeroDivisionError: division by zero"


def test_cpp_that_does_not_compile_is_a_build_error_in_the_compilers_words(sandbox: Sandbox) -> None:
    native = (
        "import warp as wp\n\n\n@wp.func_native(snippet='return no_such_name;')\n"
        "def broken() -> float:\n    ...\n\n\n"
        "@wp.kernel\ndef k(out: wp.array(dtype=float)):\n    out[wp.tid()] = broken()\n"
    )
    results = sandbox.run([job("before"), Job(native, "k"), job("after")])
    assert (results[1].status, results[1].stage) == (Status.BUILD_ERROR, "build")
    assert "\nmodule.cpp:" in results[1].message
    assert results[1].message.count("use of undeclared identifier 'no_such_name'") == 1
    assert results[1].cpp is not None
    assert_scaled(results[0])
    assert_scaled(results[2])
    # Warp deletes its precompiled header over what does not compile, and the worker puts it back.
    sandbox.run([Job(native, "k")])
    assert sandbox._folder is not None
    assert list(sandbox._folder.glob("wp_pch_*/*_o0_*.pch"))


@pytest.mark.parametrize(
    ("text", "status"),
    [(FAR_AWAY, Status.CRASH), (FOREVER, Status.HANG), (REJECTED, Status.REJECTED), (None, Status.REJECTED)],
)
def test_the_neighbours_of_a_guilty_program_keep_their_results(
    request: pytest.FixtureRequest, text: str | None, status: Status
) -> None:
    sandbox: Sandbox = request.getfixturevalue("impatient" if status is Status.HANG else "sandbox")
    guilty = Job("this is no Python", "guilty") if text is None else job("guilty", text)
    batch = [job("k_0"), job("k_1"), guilty, job("k_3"), job("k_4")]
    results = sandbox.run(batch)
    assert results[2].status is status
    for index in (0, 1, 3, 4):
        assert_scaled(results[index])
        assert results[index].cpp is not None


def test_several_guilty_programs_are_all_found(sandbox: Sandbox) -> None:
    texts = [SCALE, FAR_AWAY, REJECTED, SCALE, FAR_AWAY, SCALE]
    results = sandbox.run([job(f"k_{index}", text) for index, text in enumerate(texts)])
    expected = {SCALE: Status.OK, FAR_AWAY: Status.CRASH, REJECTED: Status.REJECTED}
    assert [result.status for result in results] == [expected[text] for text in texts]


def test_the_generated_text_does_not_depend_on_the_company(sandbox: Sandbox) -> None:
    wide = Job(source("wide", "a: wp.array(dtype=wp.bfloat16)\na[wp.tid()] = wp.bfloat16(1.0)\n"), "wide")
    (alone,) = sandbox.run([job("k")])
    in_company = sandbox.run([wide, job("other", NEXT_CELL), job("k")])[2]
    assert alone.cpp == in_company.cpp
    assert alone.cpp is not None
    assert "WP_NO_BFLOAT16" in alone.cpp


def test_the_name_in_the_text_can_be_chosen(sandbox: Sandbox) -> None:
    entries = ("k", "another_name")
    results = sandbox.run([Job(source(entry, SCALE), entry, name="kernel") for entry in entries])
    assert results[0].cpp == results[1].cpp


def test_cuda_text_is_checked_without_a_gpu(sandbox: Sandbox) -> None:
    first, second = sandbox.run([job("k"), job("other")], BuildOptions(cuda_arch=90))
    assert_scaled(first)
    assert first.cuda is not None
    assert "__global__ void k_cuda_kernel_backward(" in first.cuda
    assert "other_" not in first.cuda
    assert second.cuda is not None


def test_module_options_and_configuration_reach_the_build(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("k", backward=False)], BuildOptions(module={"enable_backward": False}))
    assert result.cpp is not None
    assert "backward" not in result.cpp
    (result,) = sandbox.run([job("k", backward=False)], BuildOptions(config={"enable_backward": False}))
    assert array(result, 1).canary_intact
    with pytest.raises(SandboxError, match=r"has no wp\.config\.no_such_setting"):
        sandbox.run([job("k")], BuildOptions(config={"no_such_setting": 1}))
    assert_scaled(sandbox.run([job("k")])[0])


def test_misuse_is_said_at_once(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="same entry"):
        sandbox.run([job("k"), job("k")])
    with pytest.raises(TypeError, match="not of float32"):
        sandbox.run([Job("", "k", (Launch((1,), (ArrayArgument("float32", np.zeros(1)),)),))])
    with pytest.raises(RuntimeError, match="submit one first"):
        sandbox.collect()
    assert sandbox.run([]) == []


def test_a_caller_can_work_while_the_batch_runs(sandbox: Sandbox) -> None:
    sandbox.submit([job("k")])
    with pytest.raises(RuntimeError, match="in flight"):
        sandbox.submit([job("k")])
    assert_scaled(sandbox.collect()[0])


def test_a_killed_worker_is_replaced_and_the_batch_done_again(sandbox: Sandbox) -> None:
    pid = sandbox.worker_pid
    assert pid is not None
    slow = Job("import time\n\ntime.sleep(0.5)\n" + source("slow", SCALE), "slow", job("slow").launches)
    sandbox.submit([job("k"), slow])
    wait_until(lambda: children(pid), "the worker forks a child")
    (child,) = children(pid)
    os.kill(pid, signal.SIGKILL)
    for result in sandbox.collect():
        assert_scaled(result)
    assert sandbox.worker_pid not in (None, pid)
    wait_until(lambda: not is_running(child), "the child dies with its parent")


def test_no_process_and_no_folder_is_left(tmp_path: Path) -> None:
    with Sandbox(root=tmp_path) as sandbox:
        pid = sandbox.worker_pid
        assert pid is not None
        sandbox.run([job("k"), job("crash", FAR_AWAY)])
        (folder,) = tmp_path.iterdir()
        assert folder.name.startswith(f"warpsmith-{os.getpid()}-")
        assert not list(folder.glob("batch-*"))
        assert not children(pid)
    assert not is_running(pid)
    assert not list(tmp_path.iterdir())


def test_a_worker_ends_with_its_master_and_cleans_up(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.sandbox import Sandbox\n"
        "sandbox = Sandbox(root=Path(sys.argv[1]))\n"
        "sandbox.versions\nprint(sandbox.worker_pid, flush=True)\ntime.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as master:
        assert master.stdout is not None
        worker = int(master.stdout.readline())
        assert list(tmp_path.iterdir())
        master.kill()
    wait_until(lambda: not is_running(worker), "the worker dies with its master")
    wait_until(lambda: not list(tmp_path.iterdir()), "the worker removes its folder")


def test_folders_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    dead = tmp_path / f"warpsmith-{gone.pid}-abc"
    living = tmp_path / f"warpsmith-{os.getpid()}-abc"
    other = tmp_path / "warpsmith-notes"
    for folder in (dead, living, other):
        folder.mkdir()
    remove_stale_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([living, other])


def test_the_folder_of_a_process_in_another_container_is_kept(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with Sandbox(root=tmp_path) as sandbox:
        (own,) = tmp_path.iterdir()
        # to whoever looks from there, this process has a number that nobody has
        unseen = own.rename(tmp_path / f"warpsmith-{gone.pid}-abc")
        remove_stale_folders(tmp_path)
        assert unseen.exists()
        unseen.rename(own)
        assert sandbox.worker_pid is not None
    assert not list(tmp_path.iterdir())


def test_a_missing_or_an_old_warp_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "warp.py").write_text("__version__ = '1.13.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"^Warp 1\.13\.0 is too old: warpsmith needs 1\.14 or newer$"):
        Sandbox(root=tmp_path).run([job("k")])
    (tmp_path / "warp.py").write_text("raise ImportError('no libwarp')\n")
    with pytest.raises(SandboxError, match=r"cannot import Warp: ImportError: no libwarp$"):
        Sandbox(root=tmp_path).run([job("k")])
    with pytest.raises(SandboxError, match="cannot start /no/such/python: "):
        Sandbox(python="/no/such/python", root=tmp_path).run([job("k")])
    assert not list(tmp_path.glob("warpsmith-*"))


def test_versions_are_those_of_the_worker(sandbox: Sandbox) -> None:
    assert sandbox.versions.numpy == np.__version__


def test_without_a_fork_the_results_are_the_same(tmp_path: Path) -> None:
    """The way of CUDA devices, over memory that Warp allocated, here on the CPU."""
    with Sandbox(root=tmp_path, fork=False, wall_seconds=20) as sandbox:
        scaled, near, crash = sandbox.run(
            [job("k", stride=2, twice=True), job("near", NEXT_CELL), job("crash", FAR_AWAY)]
        )
    assert_scaled(scaled)
    assert scaled.launches[0].same_bits is True
    assert array(near, 0).canary_intact
    assert not array(near, 1).canary_intact
    assert crash.status is Status.CRASH
    assert "SIGSEGV" in crash.message
    assert not list(tmp_path.iterdir())


def test_the_temporary_folder_is_the_systems_unless_told() -> None:
    def folders() -> set[Path]:
        return set(Path(tempfile.gettempdir()).glob(f"warpsmith-{os.getpid()}-*"))

    # Sandboxes that other tests share live in this process too.
    before = folders()
    with Sandbox() as sandbox:
        assert sandbox.worker_pid is not None
        assert len(folders() - before) == 1
    assert folders() == before


def test_the_worker_imports_nothing_else_of_the_project() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "warp"}
    files = sorted(Path(wire.__file__).parent.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed, file
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").partition(".")[0] in allowed, file
