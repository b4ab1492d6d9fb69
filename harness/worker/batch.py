"""One batch: its programs are defined, built together and launched, with a frame for each step."""

from __future__ import annotations

import os
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from . import imported
from .building import build, code_digest, complete_options, configured, define, generated, noted, text_kind, written
from .frames import Emit, Frame
from .launching import run_launch
from .messages import failure, refused_in, same_every_time, say, with_output
from .room import require_machine

LAUNCH_CPU_SECONDS = 2
"""CPU time for all launches of one program, hundreds of times what they take.  What is left of the batch's own time
may be far more, and would be waited for with every hang."""


def run_batch(
    request: Frame,
    emit: Emit,
    folder: str,
    module_name: str,
    device: str,
    in_device_memory: bool,
    log: str | None,
    limit: Callable[[int | None], None],
) -> None:
    """Define, build and launch the programs of one request, with a frame before each step and one for each
    result.

    `folder` is new and this batch's own: Warp's kernel cache. `log` is where the C++ compiler's words go.  `limit` says
    how many seconds of CPU time the process may take from now on; None for what the whole batch has.

    Raises `Exhausted` if the machine lacks room or memory.
    """
    programs = request["programs"]
    if request["texts_alone"]:
        _write_texts(request, emit, folder, module_name)
        return
    imported.wp.config.kernel_cache_dir = os.path.join(folder, "cache")

    began = time.time()
    imported.wp.set_module_options(dict(request["options"]), types.ModuleType(module_name))
    kernels: dict[int, Any] = {}
    #: what programs set of `wp.config`, for the modules that they have for themselves
    settings: dict[Any, dict[str, Any]] = {}
    for index, program in enumerate(programs):
        emit({"stage": "define", "index": index})
        try:
            changed: dict[str, Any] = {}
            with noted(changed):
                kernels[index] = define(program["source"], program["entry"], f"kernel_{index}.py", module_name)
            if kernels[index].module.name != module_name:
                settings[kernels[index].module] = changed
        except Exception as error:
            require_machine(error, folder)
            emit({"result": index, "value": {**failure("rejected", "define", say(error)), "place": refused_in(error)}})
    if not kernels:
        emit({"done": True})
        return
    modules = list(dict.fromkeys(kernel.module for kernel in kernels.values()))
    shared = next((module for module in modules if module.name == module_name), None)
    for module in modules:
        if module is not shared:
            complete_options(module, request["options"])

    emit({"stage": "build", "index": None})
    for module in modules:
        with configured(settings.get(module, {})):
            built = build(request, module, emit, folder, device, log)
        if not built:
            emit({"done": True})
            return
    name, extension = text_kind(device)
    texts = {module: generated(folder, extension, module.name) for module in modules}
    if texts.get(shared) is not None:
        emit({"text": name, "value": texts[shared]})
    if request["digest"] and (digest := code_digest(folder, began)) is not None:
        emit({"text": "code", "value": digest})

    outcomes: dict[int, Frame] = {}
    for index, kernel in kernels.items():
        emit({"stage": "launch", "index": index})
        limit(LAUNCH_CPU_SECONDS)
        launches: list[Frame] = []
        try:
            for launch in programs[index]["launches"]:
                launches.append(run_launch(kernel, launch, device, in_device_memory))
            outcomes[index] = {"status": "ok", "stage": "launch", "message": "", "launches": launches}
        except Exception as error:
            require_machine(error, folder)
            end_if_dead(device)
            outcomes[index] = failure("rejected", "launch", say(error), launches)
        if kernel.module is not shared:
            outcomes[index][name] = texts[kernel.module]
        emit({"result": index, "value": outcomes[index]})
    limit(None)

    if request["cuda"] is not None:
        _generate_cuda(request, emit, folder, kernels, outcomes, shared, settings, log)
    emit({"done": True})


def end_if_dead(device: str) -> None:
    """End the process if a device does nothing more for it.

    On a CUDA device an error of a kernel, an illegal address for one, stays with the process: all that it launches
    later fails of it.  To the sandbox it is a crash of the program, and what is beside it runs again in a new process.
    """
    if device == "cpu":
        return
    try:
        imported.wp.synchronize_device(device)
    except Exception as error:
        print(f"{device} does nothing more for this process: {say(error)}", file=sys.stderr, flush=True)
        os._exit(1)


def _write_texts(request: Frame, emit: Emit, folder: str, module_name: str) -> None:
    """Have Warp write the C++ text of each program, in a module of its own, and say the module's hash."""
    for index, program in enumerate(request["programs"]):
        name, own = f"{module_name}_{index}", os.path.join(folder, str(index))
        imported.wp.config.kernel_cache_dir = own
        emit({"stage": "define", "index": index})
        imported.wp.set_module_options(dict(request["options"]), types.ModuleType(name))
        try:
            kernel = define(program["source"], program["entry"], f"kernel_{index}.py", name)
            emit({"stage": "build", "index": index})
            text, digest = written(kernel.module, own, request["block_dim"])
        except Exception as error:
            require_machine(error, folder)
            emit({"result": index, "value": {**failure("rejected", "define", say(error)), "place": refused_in(error)}})
            continue
        value: Frame = {"status": "ok", "stage": "build", "message": "", "launches": [], "cpp": text, "hash": digest}
        emit({"result": index, "value": value})
    emit({"done": True})


def _generate_cuda(
    request: Frame,
    emit: Emit,
    folder: str,
    kernels: dict[int, Any],
    outcomes: dict[int, Frame],
    shared: Any,
    settings: dict[Any, dict[str, Any]],
    log: str | None,
) -> None:
    """Have Warp generate the CUDA text of each module, and NVRTC compile it."""
    emit({"stage": "cuda", "index": None})
    texts: dict[Any, str | None] = {}
    for number, module in enumerate(dict.fromkeys(kernel.module for kernel in kernels.values())):
        cuda_folder = os.path.join(folder, "cuda", str(number))
        os.makedirs(cuda_folder)
        try:
            with configured(settings.get(module, {})):
                imported.wp.compile_aot_module(module, arch=request["cuda"], use_ptx=True, module_dir=cuda_folder)
        except Exception as error:
            said = with_output(say(error), log)
            require_machine(error, folder, said)
            message = same_every_time(said, folder)
            if len(request["programs"]) == 1:
                value = {**outcomes[0], "status": "build-error", "stage": "cuda", "message": message}
                emit({"result": 0, "value": value})
            else:
                emit({"failed": {"stage": "cuda", "message": message}})
        texts[module] = generated(cuda_folder, "cu")
    if texts.get(shared) is not None:
        emit({"text": "cuda", "value": texts[shared]})
    for index, kernel in kernels.items():
        if kernel.module is not shared and outcomes[index]["status"] == "ok":
            emit({"result": index, "value": {**outcomes[index], "cuda": texts[kernel.module]}})
