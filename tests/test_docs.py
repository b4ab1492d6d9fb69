"""The documentation shows what the installed Warp generates, and the README what there is."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from harness.commands import app
from harness.cpp.generated_code import backward_text, find_compiler, forward_text
from harness.jobs import BuildOptions, Job, JobResult
from harness.sandbox import Sandbox
from strategies.categories import CATEGORIES

ROOT: Final = Path(__file__).parents[1]
GENERATED: Final = (ROOT / "docs" / "generated-code.md").read_text(encoding="utf-8")
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return ["".join(line.removeprefix(indent) for line in block.splitlines(keepends=True)) for indent, block in found]


@pytest.fixture(scope="module")
def scale() -> JobResult:
    """What the installed Warp makes of the kernel of the page."""
    (source,) = blocks(GENERATED, "python")
    with Sandbox() as sandbox:
        (result,) = sandbox.run([Job(source, "scale")], BuildOptions(cuda_arch=90))
    assert result.cpp is not None
    assert result.cuda is not None
    return result


def test_every_excerpt_is_in_what_warp_generates(scale: JobResult) -> None:
    excerpts = blocks(GENERATED, "cpp")
    assert len(excerpts) == 4
    for excerpt in excerpts:
        assert excerpt in (scale.cpp or "")
    (cuda,) = blocks(GENERATED, "cuda")
    assert cuda in (scale.cuda or "")


def test_what_the_page_says_of_the_parts_is_so(scale: JobResult) -> None:
    cpp = scale.cpp or ""
    order = ["#include", "struct wp_args_scale", "scale_cpu_kernel_forward(", "scale_cpu_kernel_backward(", "extern"]
    assert [cpp.index(word) for word in order] == sorted(cpp.index(word) for word in order)
    assert "scale_cpu_kernel_forward<wp_linear_contiguous>" in cpp
    backward = backward_text(cpp) or ""
    assert "    // wp::array_store(var_out, var_0, var_4);" in backward
    assert "// wp::array_store" not in forward_text(cpp)
    assert "        continue;" in (scale.cuda or "")
    for name in re.findall(r"`(wp::\w+|builtin_\w+)", GENERATED):
        headers = Path(scale_headers()).rglob("*.h")
        assert name.split("::")[-1] in cpp or any(
            name.split("::")[-1] in h.read_text(errors="replace") for h in headers
        )


def scale_headers() -> str:
    found = subprocess.run(
        [sys.executable, "-c", 'import os, warp; print(os.path.join(os.path.dirname(warp.__file__), "native"))'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.splitlines()[-1]


def test_the_command_of_the_page_compiles_the_text(scale: JobResult, tmp_path: Path) -> None:
    (command,) = blocks(GENERATED, "sh")
    (tmp_path / "scale.cpp").write_text(scale.cpp or "")
    (tmp_path / "python").symlink_to(sys.executable)
    command = command.replace("python -c", f"{sys.executable} -c").replace("c++ ", f"{shlex.join(find_compiler())} ", 1)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scale.o").exists()


def test_the_examples_of_warps_basics_run(tmp_path: Path) -> None:
    page = ROOT / "docs" / "warp-basics.md"
    assert len(doctest.DocTestParser().get_examples(page.read_text(encoding="utf-8"))) > 30
    done = subprocess.run(
        [sys.executable, "-m", "doctest", str(page)],
        env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


# ---------------------------------------------------------------- the README


def test_the_readme_has_every_category_once_and_no_other() -> None:
    section = README.partition("## Categories")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(CATEGORIES)


#: Every command, with the names of its options.
COMMANDS: Final = {
    name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
}


def test_the_readme_has_every_command_and_no_option_that_is_none() -> None:
    section = README.partition("## Commands")[2].partition("\n## ")[0]
    told: set[str] = set()
    for name, more, line in re.findall(r"^\| `warpsmith (\w+)(.*?)`(.*?) \|", section, re.MULTILINE):
        told |= {name, *re.findall(r"`(\w+)`", line)}
        assert set(re.findall(r"--[a-z-]+", more)) <= COMMANDS[name], name
    assert told == set(COMMANDS)


def test_every_link_in_the_documentation_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "corpus" / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_file_in_the_readme_is_there() -> None:
    section = README.partition("## How it works")[2]
    folder = ""
    for cell in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", cell):
            path = name if "/" in name else f"{folder}/{name}"
            folder = path.rstrip("/").rpartition("/")[0] if "/" in name else folder
            assert (ROOT / path).exists(), f"{path} is not there"
