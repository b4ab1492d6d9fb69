"""Has Warp generate the text of a file's kernels, without compiling it.

A script of the standard library and Warp, which `harness.commands.extract` runs in a process of its own, since it
imports the file: `python extraction.py FILE FOLDER [cpu] [cuda]`.  It writes `FOLDER/kernels.json`: why nothing could
be imported, or the kernels, each with its Python, its instances and the texts of their modules.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.machinery
import importlib.util
import inspect
import json
import os
import sys
from types import ModuleType
from typing import Any

#: Of the CUDA text, which does not depend on it.
ARCHITECTURE = 90

#: What the file is imported as.
NAME = "_warpsmith_extracted"


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
    """The file as a module, whose name is nobody else's: a person's `types.py` must not stand in for Python's."""
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    loader = importlib.machinery.SourceFileLoader(NAME, path)
    spec = importlib.util.spec_from_loader(NAME, loader)
    assert spec is not None, "a loader was given"
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    loader.exec_module(module)
    return module


def _sentence(error: BaseException) -> str:
    """An exception in one line, as a person reads it."""
    if isinstance(error, SystemExit):
        return f"it ends the process itself, by SystemExit({error.code!r})"
    # The text of a `KeyError`, of which Warp has a kind, is the repr of its argument.
    given = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    return f"{type(error).__name__}: {' '.join(given.split())}"


def _instances(kernel: Any) -> dict[str, Any]:
    """What Warp generates of a kernel, by the types of the parameters: one, or one for each overload."""
    if not kernel.is_generic:
        return {"": kernel}

    def types(of: Any) -> str:
        return ", ".join(getattr(kind, "__name__", str(kind)) for kind in of.adj.arg_types.values())

    return {types(overload): overload for overload in kernel.overloads.values()}


def _text(wp: Any, module: Any, device: str, into: str) -> str:
    """The text of one of Warp's modules, which `into` is made for."""
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


def _generate(wp: Any, module: ModuleType, devices: list[str], folder: str) -> dict[str, Any]:
    """The file's kernels, and the texts of the modules that they are in: of each, or why there is none.

    The entries of an instance are its names in the texts: two kernels of one closure differ in nothing else.
    """
    kernels, modules = [], []
    for variable, kernel in vars(module).items():
        if not isinstance(kernel, wp.Kernel) or kernel.func.__module__ != module.__name__:
            continue
        instances = _instances(kernel)
        if kernel.module not in modules:
            modules.append(kernel.module)
        kernels.append((variable, kernel, instances))
    texts: list[dict[str, str]] = [{} for _ in modules]
    errors: list[str | None] = [None] * len(modules)
    entries: dict[tuple[int, str], str] = {}
    for number, of in enumerate(modules):
        own = [one for _, kernel, instances in kernels if kernel.module is of for one in instances.values()]
        for device in devices if own else ():
            try:
                texts[number][device] = _text(wp, of, device, os.path.join(folder, f"{number}.{device}"))
                entries |= {(id(one), device): one.get_mangled_name() for one in own}
            except Exception as error:
                errors[number] = _sentence(error)
                break
    return {
        "version": wp.__version__,
        "kernels": [
            {
                "variable": variable,
                "key": kernel.key,
                "python": inspect.getsource(kernel.func),
                "module": modules.index(kernel.module),
                "instances": [
                    {"types": types, "entries": {device: entries.get((id(one), device)) for device in devices}}
                    for types, one in instances.items()
                ],
            }
            for variable, kernel, instances in kernels
        ],
        "modules": [{"texts": text, "error": error} for text, error in zip(texts, errors, strict=True)],
    }


def main() -> None:
    """Generate and write."""
    path, folder, *devices = sys.argv[1:]
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["WARP_CACHE_PATH"] = os.path.join(folder, "cache")
    import warp as wp

    sys.argv = [path]
    try:
        module = _imported(path)
    except (Exception, SystemExit) as error:
        found: dict[str, Any] = {"error": _sentence(error)}
    else:
        _not_compiling()
        found = _generate(wp, module, devices, folder)
    with open(os.path.join(folder, "kernels.json"), "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
