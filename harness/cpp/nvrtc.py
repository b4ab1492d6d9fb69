"""Has Warp generate the CUDA text of kernels and NVRTC compile it to PTX, without a GPU or a driver.

A script of the standard library and Warp, which `harness.cpp.cuda_text` runs in a process of its own: it reads one
line of JSON, `{"arch", "folder", "sources"}`, and writes one line for each source, before and after it: `{"begin"}`,
then `{"cuda", "ptx"}` or `{"error"}`.  Sources are rendered from checked syntax trees.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import sys
from types import ModuleType
from typing import Any


def main() -> None:
    """Answer one request."""
    # What Warp and NVRTC print is not an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    request = json.loads(sys.stdin.readline())
    import warp as wp

    known = wp.get_cuda_supported_archs()
    if request["arch"] not in known:
        names = ", ".join(f"sm_{arch}" for arch in known) or "no architecture: it was built without CUDA"
        say({"refused": f"the NVRTC of Warp {wp.__version__} knows {names}"})
        return
    for number, source in enumerate(request["sources"]):
        say({"begin": number})
        folder = os.path.join(request["folder"], f"{number}")
        os.mkdir(folder)
        try:
            module = _imported(source, f"row_{number}", folder)
            # the module of the kernel, which its options may have made its own
            (own,) = {kernel.module for kernel in vars(module).values() if isinstance(kernel, wp.Kernel)}
            wp.compile_aot_module(own, arch=request["arch"], use_ptx=True, module_dir=folder, strip_hash=True)
            say({"cuda": _only(folder, "cu"), "ptx": _only(folder, "ptx").rstrip("\0")})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})


def _imported(source: str, name: str, folder: str) -> ModuleType:
    """The module with this source, from a file, as Warp wants to read it."""
    path = os.path.join(folder, f"{name}.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _only(folder: str, extension: str) -> str:
    (path,) = glob.glob(os.path.join(folder, f"*.{extension}"))
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    main()
