"""The warm parent: it answers requests, each batch in a child of its own."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import glob
import importlib
import inspect
import math
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import types
from typing import Any, NoReturn

from . import imported
from .batch import run_batch
from .building import configured, define, generated, load, quick_to_build
from .frames import Abandoned, Frame, FrameReader, OutOfTime, Tally, write_frame
from .headers import Headers
from .messages import same_every_time, say, with_output
from .room import Exhausted, full, lacking, place_of

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: int) -> None:
    """Ask the kernel for a signal when the thread that started this process ends (Linux; elsewhere,
    nothing)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Worker:
    """The loop that answers requests."""

    def __init__(self, root: str, device: str, in_process: bool, headers: Headers, requests: int, replies: int) -> None:
        self._root = root
        self._device = device
        self._in_process = in_process
        self._requests = requests
        self._replies = replies
        self._warmed: set[str] = set()
        self._headers = headers
        #: the headers that NVRTC made for the parent
        self._nvrtc_headers: set[str] = set()
        self._batches = 0
        self._child: int | None = None

    def serve(self) -> None:
        reader = FrameReader(self._requests)
        while True:
            request = reader.read()
            if request is None:
                return
            missing = [name for name in request["config"] if not hasattr(imported.wp.config, name)]
            if missing:
                write_frame(self._replies, {"error": f"Warp {imported.wp.__version__} has no wp.config.{missing[0]}."})
                continue
            if self._device == "cpu":
                request["options"] = quick_to_build(request["options"])
            folder = os.path.join(self._root, f"batch-{self._batches}")
            try:
                os.mkdir(folder)
            except OSError as error:
                lack = lacking(error, place_of(folder))
                if lack is None:
                    raise
                write_frame(self._replies, {"lacking": lack})
                continue
            module_name = f"warpsmith_{self._batches}"
            self._batches += 1
            reply: Frame | None = None
            try:
                with configured(request["config"]):
                    if self._in_process:
                        self._run_here(request, folder, module_name)
                    else:
                        self._warm(request)
                        if request["warm"]:
                            # What this child builds, the next one finds.
                            unlaunched = [{**program, "launches": []} for program in request["programs"]]
                            self._run_in_child({**request, "programs": unlaunched}, folder, module_name)
                        reply = self._run_in_child(request, folder, module_name)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                sys.modules.pop(module_name, None)
            if reply is not None:
                self._remove_new_headers()
                self._headers.keep()
                write_frame(self._replies, reply)

    def _warm(self, request: Frame) -> None:
        """Build one trivial kernel as the batch will be built, so that its children find the precompiled
        header.

        The header depends on the block size, the optimisation level and a few other options; that it is
        built for options which share one costs one short compilation.  One that another worker has left may do.
        """
        options, config = sorted(request["options"].items()), sorted(request["config"].items())
        key = repr((options, config, request["cuda"], request["block_dim"]))
        if key in self._warmed:
            return
        self._warmed.add(key)
        name = f"warpsmith_warm_{len(self._warmed)}"
        # Options that Warp refuses are the batch's to report.
        with contextlib.suppress(Exception):
            self._headers.fetch(request["block_dim"], request["options"].get("optimization_level"))
            self._build_trivial(request, name)
            if self._headers.unfit():
                self._build_trivial(request, name)
            if request["cuda"] is not None:
                # NVRTC touches no device, so its header serves the children too.
                folder = os.path.join(self._root, name)
                os.mkdir(folder)
                module = self._trivial(request, name)
                imported.wp.compile_aot_module(module, arch=request["cuda"], use_ptx=True, module_dir=folder)
        self._nvrtc_headers = self._found_nvrtc_headers()
        self._headers.keep()

    def _build_trivial(self, request: Frame, name: str) -> None:
        """Build the trivial kernel in a child: the compiler would leave the parent with 30 MB for each level."""
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent(signal.SIGKILL)
                load(self._trivial(request, name), self._device, request["block_dim"])
            finally:
                os._exit(0)
        self._child = pid
        os.waitpid(pid, 0)
        self._child = None

    def _trivial(self, request: Frame, name: str) -> Any:
        source = f"import warp as wp\n\n\n@wp.kernel\ndef {name}(n: wp.int32):\n    i = wp.tid()\n"
        imported.wp.set_module_options(dict(request["options"]), types.ModuleType(name))
        return define(source, name, name + ".py", name).module

    def _found_nvrtc_headers(self) -> set[str]:
        return set(glob.glob(os.path.join(self._root, "__nvrtc_auto_pch_*", "*")))

    def _remove_new_headers(self) -> None:
        """Remove what children left in the folder of NVRTC's headers: one a batch, if its header is
        another."""
        for path in self._found_nvrtc_headers() - self._nvrtc_headers:
            with contextlib.suppress(OSError):
                os.remove(path)

    def _run_here(self, request: Frame, folder: str, module_name: str) -> None:
        def emit(frame: Frame) -> None:
            write_frame(self._replies, frame)

        cache = imported.wp.config.kernel_cache_dir
        try:
            run_batch(request, emit, folder, module_name, self._device, True, None, lambda more: None)
        except Exhausted as error:
            emit({"lacking": str(error)})
        except Exception:
            emit({"broken": traceback.format_exc()})
        finally:
            imported.wp.config.kernel_cache_dir = cache

    def _run_in_child(self, request: Frame, folder: str, module_name: str) -> Frame:
        tally = Tally(len(request["programs"]))
        log = os.path.join(folder, "stderr.txt")
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_child(request, folder, module_name, log, write_end)
        self._child = pid
        os.close(write_end)
        deadline = time.monotonic() + request["wall_seconds"]
        reader = FrameReader(read_end, watch=self._requests)
        ending: tuple[str, str] | None = None
        try:
            while (frame := reader.read(deadline)) is not None:
                tally.add(frame)
        except OutOfTime:
            ending = ("hang", f"no end after {request['wall_seconds']:g} s on the clock")
        finally:
            if sys.exc_info()[0] is not None or ending is not None:
                self.kill_child()
            os.close(read_end)
            _, status, usage = os.wait4(pid, 0)
            self._child = None
        if ending is None and os.WIFSIGNALED(status):
            ending = _ending(os.WTERMSIG(status), usage.ru_utime + usage.ru_stime, request["cpu_seconds"])
        if not tally.over and (ending is None or ending[0] == "crash"):
            tally.lacking = full(place_of(folder), with_output("", log))
        if ending is not None and ending[0] == "crash":
            ending = ("crash", same_every_time(with_output(ending[1], log), folder))
        if "cpp" not in tally.texts and (text := generated(folder, "cpp")) is not None:
            # The child died over the C++ text that it had written.
            tally.texts["cpp"] = text
        return tally.reply(ending)

    def _be_child(self, request: Frame, folder: str, module_name: str, log: str, pipe: int) -> NoReturn:
        try:
            die_with_parent(signal.SIGKILL)
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            faulthandler.disable()
            seconds = math.ceil(request["cpu_seconds"])
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # NVRTC leaves a precompiled header there for every process.
            os.environ["TMPDIR"] = folder
            os.close(self._replies)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, self._requests)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)

            def emit(frame: Frame) -> None:
                write_frame(pipe, frame)

            def limit(more: int | None) -> None:
                soft = seconds if more is None else min(math.ceil(time.process_time()) + more, seconds)
                resource.setrlimit(resource.RLIMIT_CPU, (soft, seconds + 1))

            try:
                run_batch(request, emit, folder, module_name, self._device, False, log, limit)
            except Exhausted as error:
                emit({"lacking": str(error)})
            except BaseException:
                emit({"broken": traceback.format_exc()})
        finally:
            # Through `sys.exit` the child would delete the precompiled header of its parent.
            os._exit(0)

    def kill_child(self) -> None:
        """End the running child, if there is one, and whatever it started."""
        if self._child is not None:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError):
                    kill(self._child, signal.SIGKILL)


def _ending(number: int, used: float, limit: float) -> tuple[str, str]:
    """How a child died of a signal, given the CPU seconds that it used."""
    name = signal.Signals(number).name
    if number == signal.SIGXCPU or (number == signal.SIGKILL and used >= limit):
        return "hang", f"no end after {used:.1f} s of CPU time"
    return "crash", f"died of {name}"


def _builtins() -> dict[str, str]:
    """The documentation group of each built-in, by name, from Warp's own list, which has no public name."""
    try:
        context = importlib.import_module("warp._src.context")
    except ImportError:
        context = importlib.import_module("warp.context")
    return {name: str(function.group) for name, function in context.builtin_functions.items()}


def import_warp(root: str) -> Frame:
    """Import Warp and return the first frame: the versions, or an error for the person at the keyboard."""
    try:
        import numpy
        import warp
    except Exception as error:
        return {"error": f"{sys.executable} cannot import Warp: {say(error)}"}
    version = str(warp.__version__)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < imported.OLDEST_WARP:
        needed = ".".join(map(str, imported.OLDEST_WARP))
        return {"error": f"Warp {version} is too old: warpsmith needs {needed} or newer"}
    imported.wp, imported.np = warp, numpy
    if "max_workers" not in inspect.signature(imported.wp.load_module).parameters:
        return {"error": f"Warp {version} does not offer load_module(max_workers=…), which warpsmith needs"}
    imported.wp.config.log_level = imported.wp.LOG_WARNING
    imported.wp.config.kernel_cache_dir = os.path.join(root, "cache")
    try:
        imported.wp.init()
    except Exception as error:
        return {"error": f"Warp {version} cannot be initialised: {say(error)}"}
    return {
        "warp": version,
        "numpy": str(imported.np.__version__),
        "builtins": _builtins(),
        "settings": sorted({*vars(imported.wp.config), *imported.wp.get_module_options()}),
    }


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="warpsmith's worker: started by harness.sandbox, not by hand")
    parser.add_argument("--root", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--headers", help="where workers leave precompiled headers for each other")
    arguments = parser.parse_args()

    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    die_with_parent(signal.SIGTERM)
    # Warp, and what a kernel prints, must not get between the frames.
    replies = os.dup(1)
    os.dup2(2, 1)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    headers = Headers(arguments.root, arguments.headers)
    worker = Worker(arguments.root, arguments.device, arguments.in_process, headers, 0, replies)

    def clean_up() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker.kill_child()
        shutil.rmtree(arguments.root, ignore_errors=True)

    try:
        try:
            hello = import_warp(arguments.root)
            write_frame(replies, hello)
            if "error" not in hello and os.getppid() == parent:
                worker.serve()
        finally:
            clean_up()
    except (Abandoned, BrokenPipeError):
        pass
    except SystemExit:
        # The signal may have come in the midst of cleaning up.
        clean_up()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
