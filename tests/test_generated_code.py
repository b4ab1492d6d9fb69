"""Cutting one kernel out of a module's text: on Warp's own text, which a worker of the sandbox or Warp
itself wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import corpus
from corpus.store import Store
from harness.cpp import generated_code
from harness.cpp.generated_code import (
    CompilerNotFound,
    GeneratedCodeError,
    backward_text,
    compile_each,
    find_compiler,
    forward_text,
    kernel_text,
)
from harness.jobs import BuildOptions, Job
from harness.sandbox import Sandbox

PLAIN = """\
import warp as wp


@wp.kernel
def {name}(a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = a[i] * 2.0
"""

WITH_FUNCTIONS = """\
import warp as wp


@wp.struct
class Pair:
    first: float
    second: wp.vec3


@wp.func
def inner(x: float):
    return x * 2.0


@wp.func
def helper(x: float):
    return inner(x) + 1.0


@wp.func
def spare(x: float):
    return x


@wp.kernel
def {name}(pair: Pair, a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    helper_0 = helper(a[i])
    own = Pair()
    own.first = helper_0
    out[i] = own.first + pair.second[1]
"""

NATIVE = """\
import warp as wp


@wp.func_native(snippet='const char *s = "}}"; return x + (s[0] == 125);')
def braces(x: int) -> int: ...


@wp.kernel
def {name}(out: wp.array(dtype=wp.int32)):  # a brace {{ in a comment, and "a quote
    out[wp.tid()] = braces(1)
"""

WIDE = """\
import warp as wp


@wp.kernel
def {name}(out: wp.array2d(dtype=wp.bfloat16)):
    i, j = wp.tid()
    out[i, j] = wp.bfloat16(1.0)
"""

#: Functions of Warp's own, generic ones: two kernels that use them in another order, for other types.
OVERLOADS = """\
import warp as wp


@wp.kernel
def {name}(a: wp.array(dtype=wp.vec2), b: wp.array(dtype=wp.vec3), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = wp.norm_l1(a[i]) + wp.norm_huber(b[i], 0.5)
"""

OTHER_OVERLOADS = """\
import warp as wp


@wp.kernel
def {name}(a: wp.array(dtype=wp.vec4), b: wp.array(dtype=wp.vec2), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = wp.norm_huber(a[i], 0.25) - wp.norm_l1(b[i]) * wp.norm_l1(a[i])
"""

TURNED_ROUND = """\
import warp as wp


@wp.kernel
def {name}(a: wp.array(dtype=wp.vec4), b: wp.array(dtype=wp.vec2), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = wp.norm_l1(a[i]) * wp.norm_l1(b[i])
"""

SOURCES = {
    "other_overloads": OTHER_OVERLOADS,
    "turned_round": TURNED_ROUND,
    "overloads": OVERLOADS,
    "plain": PLAIN,
    "with_functions": WITH_FUNCTIONS,
    "native": NATIVE,
    "wide": WIDE,
}


def job(kind: str, entry: str, name: str | None = "kernel") -> Job:
    return Job(SOURCES[kind].format(name=entry), entry, name=name)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(root=tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened


@pytest.fixture(scope="module")
def texts(sandbox: Sandbox) -> dict[str, tuple[str, str]]:
    """The C++ and CUDA text of every kind, all built in one module."""
    jobs = [job(kind, f"k_{kind}") for kind in SOURCES]
    found = {}
    for kind, result in zip(SOURCES, sandbox.run(jobs, BuildOptions(cuda_arch=90)), strict=True):
        assert result.cpp is not None, result.message
        assert result.cuda is not None, result.message
        found[kind] = (result.cpp, result.cuda)
    return found


@pytest.fixture(scope="module")
def _compiler() -> None:
    try:
        find_compiler()
    except CompilerNotFound as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("kind", SOURCES)
def test_a_text_depends_neither_on_its_company_nor_on_the_first_name(
    sandbox: Sandbox, texts: dict[str, tuple[str, str]], kind: str
) -> None:
    (alone,) = sandbox.run([job(kind, "quite_another_name")], BuildOptions(cuda_arch=90))
    assert (alone.cpp, alone.cuda) == texts[kind]


@pytest.mark.parametrize("kind", SOURCES)
def test_nothing_of_this_build_is_left_in_a_text(texts: dict[str, tuple[str, str]], kind: str) -> None:
    for text in texts[kind]:
        assert not re.search(r"_[0-9a-f]{8}\b", text)
        assert not re.search(r"\.py\b", text)
        assert f"k_{kind}" not in text
        others = set(SOURCES) - {kind}
        assert not any(f"k_{other}" in text for other in others)


def test_only_what_the_kernel_uses_is_kept(texts: dict[str, tuple[str, str]]) -> None:
    for text in texts["with_functions"]:
        for definition in (
            "struct Pair\n",
            " inner_0(\n",
            " helper_0(\n",
            " adj_inner_0(\n",
            " adj_helper_0(\n",
        ):
            assert text.count(definition) == 1
        assert "spare" not in text
        # What the Python source calls `helper_0` keeps its name in the comment that quotes it.
        assert "// helper_0 = helper(a[i])" in text
    for text in texts["plain"]:
        assert "Pair" not in text
        assert "inner" not in text


def test_only_the_overloads_that_the_kernel_uses_are_kept(texts: dict[str, tuple[str, str]]) -> None:
    for kind, uses in (
        ("overloads", {"norm_l1_0": (2,), "norm_huber_0": (3,)}),
        ("other_overloads", {"norm_huber_0": (4,), "norm_l1_0": (2, 4)}),
    ):
        for text in texts[kind]:
            for function, lengths in uses.items():
                for prefix in ("", "adj_"):
                    found = re.findall(rf"\b{prefix}{function}\(\n\s*wp::vec_t<(\d), wp::float32> var_v", text)
                    assert sorted(map(int, found)) == list(lengths)


def test_bfloat16_is_switched_off_by_the_kernel_alone(texts: dict[str, tuple[str, str]]) -> None:
    switched_off = {kind for kind, (cpp, _) in texts.items() if cpp.startswith(generated_code.NO_BFLOAT16)}
    assert switched_off == set(SOURCES) - {"wide"}


def test_line_markers_are_those_of_the_program(texts: dict[str, tuple[str, str]]) -> None:
    cpp, _ = texts["plain"]
    assert re.search(r"// def kernel\(.*<L 5>$", cpp, re.MULTILINE)
    assert re.search(r"// out\[i\] = a\[i\] \* 2\.0 .*<L 7>$", cpp, re.MULTILINE)


def test_forward_and_backward_stand_alone(texts: dict[str, tuple[str, str]]) -> None:
    cpp, cuda = texts["plain"]
    assert "kernel_cpu_kernel_forward(\n" in forward_text(cpp)
    assert "adj_array_store" not in forward_text(cpp)
    assert "kernel_cuda_kernel_forward(\n" in forward_text(cuda)
    for text in (cpp, cuda):
        backward = backward_text(text)
        assert backward is not None
        assert "wp::adj_array_store(" in backward
        assert backward.endswith("}")
        assert backward in text


def test_a_kernel_without_a_backward_pass_has_none(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([job("plain", "k")], BuildOptions(module={"enable_backward": False}))
    assert result.cpp is not None
    assert backward_text(result.cpp) is None


@pytest.mark.parametrize("optimization_level", [None])
def test_line_directives_name_no_file_of_this_build(sandbox: Sandbox, optimization_level: int | None) -> None:
    options = BuildOptions(optimization_level, module={"lineinfo": True}, cuda_arch=90)
    (result,) = sandbox.run([job("plain", "k")], options)
    assert result.cuda is not None
    assert set(re.findall(r'#line \d+ "(.*)"', result.cuda)) == {"kernel.py"}


def test_a_kernel_that_is_not_there_is_an_error(texts: dict[str, tuple[str, str]]) -> None:
    cpp, _ = texts["plain"]
    assert kernel_text(cpp, "kernel") == cpp
    with pytest.raises(GeneratedCodeError, match="no kernel named 'absent'"):
        kernel_text(cpp, "absent")
    with pytest.raises(GeneratedCodeError, match="middle of a definition"):
        kernel_text(cpp[: len(cpp) // 2], "kernel")
    with pytest.raises(GeneratedCodeError, match="no forward kernel"):
        forward_text("")


@pytest.mark.usefixtures("_compiler")
def test_every_text_compiles_alone(texts: dict[str, tuple[str, str]]) -> None:
    stored = [cpp for cpp, _ in texts.values()]
    assert compile_each(stored) == [None] * len(stored)


@pytest.mark.usefixtures("_compiler")
def test_a_text_that_does_not_compile_is_told_apart(texts: dict[str, tuple[str, str]]) -> None:
    cpp, _ = texts["plain"]
    broken = cpp.replace("var_0 = builtin_tid1d()", "var_0 = no_such_name()")
    diagnostics = compile_each([cpp, broken, cpp])
    assert (diagnostics[0], diagnostics[2]) == (None, None)
    line = 1 + broken[: broken.index("no_such_name")].count("\n")
    assert diagnostics[1] is not None
    assert f"kernel_1.cpp:{line}:" in diagnostics[1]
    (by_itself,) = compile_each([broken])
    assert "no_such_name" in (by_itself or "")


def test_a_missing_compiler_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CompilerNotFound, match="install g"):
        find_compiler()
    with pytest.raises(GeneratedCodeError, match="Warp is not installed"):
        generated_code.native_folder()
    monkeypatch.undo()
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CompilerNotFound, match="no-such-compiler"):
        compile_each([""])


#: The beginning of a function's definition.
DEFINITION: Final = re.compile(r"^static [\w:<>, ]+ (\w+)\($", re.MULTILINE)


def test_no_function_of_the_corpus_is_used_before_it_is_defined() -> None:
    """Nor its adjoint, which may need the gradient that somebody wrote for another."""
    seen = 0
    with Store.open(Path(corpus.__file__).parent, write=False) as store:
        for record in store.records(check=False):
            if "node:function" in record.features:
                defined: dict[str, int] = {}
                for found in DEFINITION.finditer(record.cpp):
                    defined.setdefault(found.group(1), found.start(1))
                for name, place in defined.items():
                    first = re.search(rf"\b{name}\(", record.cpp)
                    assert first is not None
                    assert first.start() == place, f"{name} of {record.type} {record.id}"
                seen += len(defined)
    assert seen > 1000
