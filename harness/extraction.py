"""Has Warp generate the text of a file's kernels, without compiling it.

A script of the standard library and Warp, which `harness.commands.extract` runs in a process of its own, since it
imports the file: `python extraction.py FILE FOLDER [cpu] [cuda]`.  It writes `FOLDER/kernels.json`: the kernels' names
with their Python, and the text of the module for each device.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import inspect
import json
import os
import sys
from types import ModuleType
from typing import Any

#: Of the CUDA text, which does not depend on it.
ARCHITECTURE = 90


class _Enough(BaseException):
    """The text is written, to this file; what Warp would do next is to compile it."""


def _stop(*arguments: object, **_: object) -> None:
    raise _Enough(next(of for of in arguments if isinstance(of, str) and of.endswith((".cpp", ".cu"))))


def _not_compiling() -> None:
    """Let Warp's own calls of the compilers end what called them.

    The one place that knows their names, which are private; where they are others, the text is compiled as well.
    """
    with contextlib.suppress(ImportError, AttributeError):
        build = importlib.import_module("warp._src.build")
        for name in ("build_cpu", "build_cuda"):
            if hasattr(build, name):
                setattr(build, name, _stop)


def _imported(path: str) -> ModuleType:
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _text(wp: Any, module: ModuleType, device: str, folder: str) -> str:
    into = os.path.join(folder, device)
    os.mkdir(into)
    wp.set_module_options({"strip_hash": False}, module)
    own = wp.get_module_options(module)["block_dim"]
    try:
        if device == "cpu":
            # A launch on the CPU runs blocks of one thread.
            wp.set_module_options({"block_dim": 1}, module)
            wp.compile_aot_module(module, device="cpu", module_dir=into)
        else:
            wp.compile_aot_module(module, arch=ARCHITECTURE, module_dir=into, use_ptx=True)
        (path,) = glob.glob(os.path.join(into, "*.cpp" if device == "cpu" else "*.cu"))
    except _Enough as enough:
        (path,) = enough.args
    finally:
        wp.set_module_options({"block_dim": own}, module)
    with open(path, encoding="utf-8") as file:
        return file.read()


def main() -> None:
    """Generate and write."""
    path, folder, *devices = sys.argv[1:]
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["WARP_CACHE_PATH"] = os.path.join(folder, "cache")
    import warp as wp

    module = _imported(path)
    kernels = {
        value.key: inspect.getsource(value.func)
        for value in vars(module).values()
        if isinstance(value, wp.Kernel) and value.func.__module__ == module.__name__
    }
    _not_compiling()
    texts = {device: _text(wp, module, device, folder) for device in devices} if kernels else {}
    with open(os.path.join(folder, "kernels.json"), "w", encoding="utf-8") as file:
        json.dump({"version": wp.__version__, "kernels": kernels, "texts": texts}, file)


if __name__ == "__main__":
    main()
