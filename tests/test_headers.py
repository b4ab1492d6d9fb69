"""Precompiled headers are shared between workers, and nothing depends on that."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from harness.jobs import BuildOptions, Job, Status
from harness.sandbox import Sandbox
from harness.verify import FAST, verify_all
from harness.warp_copy import Defect, sandbox_with
from harness.worker import headers
from harness.worker.headers import MOST_FILES, remove_all_but, second_name
from strategies import draw

#: A kernel whose C++ does not compile, by an error within Warp's own headers.
REFUSED = """import warp as wp


@wp.func_native("wp::vec_t<2, wp::vec3> v; return wp::dot(v, v)[0];")
def native(x: float) -> float: ...


@wp.kernel
def refused(x: wp.array(dtype=float)):
    x[0] = native(x[0])
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one worker leaves for others where there was nothing."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(folder))
        with Sandbox() as sandbox:
            assert verified(sandbox)
    return folder


@pytest.fixture
def cache(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that workers share, with one header in it."""
    shutil.copytree(made, tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "warpsmith" / "headers"


def verified(sandbox: Sandbox, options: BuildOptions = FAST) -> bool:
    program = draw("elementwise", 0, 0)
    assert program is not None
    return verify_all([program], sandbox, options=options)[0].verified


def shared(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*.pch"))


def test_a_worker_uses_the_header_that_another_has_made(cache: Path, tmp_path: Path):
    (header,) = shared(cache)
    (tmp_path / "root").mkdir()
    with Sandbox(root=tmp_path / "root") as sandbox:
        assert verified(sandbox)
        (used,) = tmp_path.glob("root/*/wp_pch_*/*.pch")
        assert used.samefile(header)
    assert shared(cache) == [header]


def test_a_warm_parent_stays_as_small_as_it_began(cache: Path):
    def resident(pid: int) -> int:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with Sandbox() as sandbox:
        assert verified(sandbox)
        assert sandbox.worker_pid is not None
        before = resident(sandbox.worker_pid)
        # a header that is not there yet; the compiler would leave the process that makes it with 25 megabytes
        assert verified(sandbox, BuildOptions(optimization_level=1))
        assert resident(sandbox.worker_pid) - before < 12_000_000
    assert len(shared(cache)) == 2


def test_a_damaged_header_is_made_anew(cache: Path):
    (header,) = shared(cache)
    whole = header.read_bytes()
    header.write_bytes(whole[: len(whole) // 2])
    with Sandbox() as sandbox:
        assert verified(sandbox)
    (again,) = shared(cache)
    assert again.stat().st_size > len(whole) // 2


def test_a_header_with_which_nothing_compiles_is_made_anew(cache: Path):
    (header,) = shared(cache)
    name = header.stem.rpartition("-")[0]
    unfit = b"no header"
    header.unlink()
    wrong = header.with_name(f"{name}-{hashlib.blake2b(unfit, digest_size=12).hexdigest()}.pch")
    wrong.write_bytes(unfit)
    with Sandbox() as sandbox:
        assert verified(sandbox)
    (again,) = shared(cache)
    assert again.name.startswith(name)
    assert again.stat().st_size > len(unfit)


def test_what_does_not_compile_is_told_alike_wherever_its_header_was_built(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.rmtree(cache)
    refused = Job(REFUSED, "refused", ())
    said = set()
    for name in ("a folder", "another"):
        # the second uses what the first has built
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with Sandbox() as sandbox:
            (result,) = sandbox.run([refused], FAST)
        assert result.status is Status.BUILD_ERROR
        assert "pch_gen.cpp" in result.message
        assert str(tmp_path) not in result.message
        said.add(result.message)
    assert len(said) == 1


def test_a_header_is_used_in_a_folder_that_is_there_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    with Sandbox() as sandbox:
        assert verified(sandbox)
        (tmp_path / "gone").rmdir()
        (result,) = sandbox.run([Job(REFUSED, "refused", ())], FAST)
    assert result.status is Status.BUILD_ERROR


def test_an_unfit_header_is_not_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shared, warp = tmp_path / "shared" / "own", tmp_path / "root" / "wp_pch_0"
    for folder in (shared, warp):
        folder.mkdir(parents=True)
    for name, at in [("_folder_of_warp", warp), ("_of_this_warp", "own")]:
        monkeypatch.setattr(headers, name, lambda at=at: str(at))
    digest = hashlib.blake2b(b"unfit", digest_size=12).hexdigest()
    (shared / f"builtin_bd1_o0_f0-{digest}.pch").write_bytes(b"unfit")
    own = headers.Headers(str(tmp_path / "root"), str(tmp_path / "shared"))
    own.fetch(1, 2)
    assert not list(warp.iterdir())
    own.fetch(1, 0)
    own.keep()
    (header,) = warp.iterdir()
    # Warp deletes what nothing compiles with, and makes another
    header.unlink()
    assert own.unfit()
    header.write_bytes(b"fit")
    own.keep()
    header.unlink()
    own.keep()
    assert header.read_bytes() == b"fit"
    assert [path.read_bytes() for path in shared.iterdir()] == [b"fit"]


def test_a_warp_that_is_being_replaced_shares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def vanished() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(headers, "_of_this_warp", vanished)
    (tmp_path / "wp_pch_0").mkdir()
    (tmp_path / "wp_pch_0" / "builtin_bd1_o0_f0.pch").touch()
    own = headers.Headers(str(tmp_path), str(tmp_path / "shared"))
    own.fetch(1, 0)
    own.keep()
    assert not (tmp_path / "shared").exists()


def test_a_worker_needs_no_shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with Sandbox() as sandbox:
        assert verified(sandbox)


def test_a_warp_with_other_headers_has_others_precompiled(cache: Path, tmp_path: Path):
    (header,) = shared(cache)
    for n, (file, line) in enumerate([("_src/codegen.py", "import ast\n"), ("native/builtin.h", "#pragma once\n")]):
        (tmp_path / str(n)).mkdir()
        with sandbox_with(tmp_path / str(n), [Defect(file, f"(?m)^{line}", line + "\n")]) as sandbox:
            assert verified(sandbox)
        assert len(shared(cache)) == n + 1
    assert header in shared(cache)


def test_what_was_used_longest_ago_goes_first(tmp_path: Path):
    for n in range(MOST_FILES + 2):
        (tmp_path / str(n)).touch()
        os.utime(tmp_path / str(n), (n, n))
    os.utime(tmp_path / "0")
    remove_all_but(MOST_FILES, str(tmp_path / "*"))
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [0, *range(3, MOST_FILES + 2)]


def test_a_file_that_cannot_have_two_names_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "one").write_bytes(b"header")
    second_name(str(tmp_path / "one"), str(tmp_path / "two"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"header", "two": b"header"}
