"""From source text to a loaded module, and the text that Warp generated for it."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib
import linecache
import os
import struct
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import imported
from .frames import Emit, Frame
from .messages import SECOND_TRY, failure, refused_in, same_every_time, say, with_output
from .room import full, place_of, require_machine

INSTANTIATE_ONCE = "-fpch-instantiate-templates"
"""A flag of the C++ compiler that has the precompiled header hold the instances of its own templates.  Without it every
module makes them again, which is 60 ms of CPU time a batch (`benchmarks/building.py`); the object code is the same."""

_WATCH_SECONDS = 0.02
"""Time on the clock between two looks at what the C++ compiler has printed."""

_EXECUTABLE = 4
"""The flag of a section of an ELF file that holds instructions (SHF_EXECINSTR)."""


def define(source: str, entry: str, filename: str, module_name: str) -> Any:
    """Execute a program's source and return its kernel.

    Warp reads the source back through `linecache`, and looks up the annotations of a struct in `sys.modules`.
    """
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = types.ModuleType(module_name)
    sys.modules[module_name] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return module.__dict__[entry]


@contextlib.contextmanager
def configured(config: Mapping[str, Any]) -> Iterator[None]:
    """Set `wp.config`, and set it back."""
    before = {name: getattr(imported.wp.config, name) for name in config}
    try:
        for name, value in config.items():
            setattr(imported.wp.config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(imported.wp.config, name, value)


@contextlib.contextmanager
def noted(changed: dict[str, Any]) -> Iterator[None]:
    """Note in `changed` what is set of `wp.config`, and set it back: it is for one program's module, not for others."""
    before = dict(vars(imported.wp.config))
    try:
        yield
    finally:
        for name, value in before.items():
            now = getattr(imported.wp.config, name)
            if now is not value:
                changed[name] = now
                setattr(imported.wp.config, name, value)


def load(module: Any, device: str, block_dim: int = 1) -> None:
    if device == "cpu":
        # A launch on the CPU runs blocks of one thread; loading with the default of 256 would build twice.
        imported.wp.load_module(module, device=device, block_dim=block_dim, max_workers=0)
    else:
        imported.wp.load_module(module, device=device, max_workers=0)


def quick_to_build(options: Mapping[str, Any]) -> Frame:
    """The options of a module, with what shortens a build without optimization and changes nothing else.

    Other levels are built as Warp builds them.
    """
    if options.get("optimization_level") != 0 or not hasattr(imported.wp.config, "cpu_compiler_flags"):
        return dict(options)
    flags = options.get("cpu_compiler_flags", imported.wp.config.cpu_compiler_flags)
    # without flags of its own Warp compiles for this machine
    return {**options, "cpu_compiler_flags": f"{'-march=native' if flags is None else flags} {INSTANTIATE_ONCE}"}


def complete_options(module: Any, options: Mapping[str, Any]) -> None:
    """Build a module that a kernel has for itself as the batch is built, but for what its program says."""
    usual = type(module)("usual", None).options
    for name, value in options.items():
        if module.options[name] == usual[name]:
            module.options[name] = value
    module.mark_modified()


class _Written(Exception):
    """The C++ text has been written, and is not to be compiled."""


def written(module: Any, folder: str, block_dim: int) -> tuple[str | None, str]:
    """The C++ text of a module, and the hash by which Warp knows its binary again; nothing is compiled."""
    try:
        compiler = importlib.import_module("warp._src.build")
    except ImportError:
        compiler = importlib.import_module("warp.build")

    def stop(*_: Any, **__: Any) -> None:
        raise _Written

    before, compiler.build_cpu = compiler.build_cpu, stop  # type: ignore[attr-defined]
    try:
        with contextlib.suppress(_Written):
            load(module, "cpu", block_dim)
    finally:
        compiler.build_cpu = before  # type: ignore[attr-defined]
    return generated(folder, "cpp"), module.get_module_hash(block_dim).hex()


def text_kind(device: str) -> tuple[str, str]:
    """By which name a frame has the text that is generated for a device, and how its file's name ends."""
    return ("cpp", "cpp") if device == "cpu" else ("cuda", "cu")


def generated(folder: str, extension: str, module: str | None = None) -> str | None:
    """The text that Warp wrote below `folder`, of a module of that name if there is one."""
    inner = "**" if module is None else os.path.join("**", f"wp_{glob.escape(module)}_*")
    found = sorted(glob.glob(os.path.join(folder, inner, "*." + extension), recursive=True))
    if not found:
        return None
    with open(found[0], encoding="utf-8") as file:
        return file.read()


def code_digest(folder: str, started: float) -> str | None:
    """What tells the machine code of a module from other code: a hash of the executable sections of its object file.

    Names, paths and hashes stand elsewhere in the file.  `cached` in front says that the file was there before.
    """
    found = glob.glob(os.path.join(folder, "**", "*.o"), recursive=True)
    if not found:
        return None
    newest = max(found, key=os.path.getmtime)
    with open(newest, "rb") as file:
        image = file.read()
    if image[:5] != b"\x7fELF\x02":
        return None
    (table,) = struct.unpack_from("<Q", image, 0x28)
    entry, count = struct.unpack_from("<HH", image, 0x3A)
    digest = hashlib.blake2b(digest_size=8)
    for number in range(count):
        _, _, flags, _, offset, size = struct.unpack_from("<IIQQQQ", image, table + number * entry)
        if flags & _EXECUTABLE:
            digest.update(image[offset : offset + size])
    return ("cached " if os.path.getmtime(newest) < started else "") + digest.hexdigest()


def build(request: Frame, module: Any, emit: Emit, folder: str, device: str, log: str | None) -> bool:
    """Build and load a module of a request, with a frame for what was said if it cannot be built; whether it can.

    Raises `Exhausted` if the machine lacks what it takes.
    """
    alone = len(request["programs"]) == 1
    name, extension = text_kind(device)

    def refused(status: str, message: str, place: str = "") -> None:
        message = same_every_time(message, folder)
        if alone:
            emit({"result": 0, "value": {**failure(status, "build", message), "place": place}})
        else:
            emit({"failed": {"stage": "build", "message": message}})

    def show_text() -> None:
        text = generated(folder, extension, module.name)
        if text is not None:
            emit({"text": name, "value": text})

    def stop() -> None:
        said = with_output("the C++ compiler refused the module", log)
        if (lack := full(place_of(folder), said)) is not None:
            emit({"lacking": lack})
        refused("build-error", said)
        show_text()
        emit({"done": True})

    try:
        with _without_second_try(None if request["second_try"] else log, stop):
            load(module, device, request["block_dim"])
    except Exception as error:
        said = with_output(say(error), log)
        require_machine(error, folder, said)
        # Warp writes the C++ text after its own work and before the compiler's.
        if generated(folder, extension, module.name) is None:
            refused("rejected", say(error), refused_in(error))
        else:
            refused("build-error", said, refused_in(error))
        show_text()
        return False
    return True


@contextlib.contextmanager
def _without_second_try(log: str | None, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` and end the process once the C++ compiler says, in `log`, that it tries again without its header.

    It does so whatever it found wrong, and to find that again takes two seconds.  For a batch of many programs, which
    is split after that and built again, and for a part of one.  A failure that no known issue explains is judged by a
    build that holds its program alone, second try and all.
    """
    over = threading.Event()

    def watch(path: str) -> None:
        while not over.wait(_WATCH_SECONDS):
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
                if SECOND_TRY in file.read():
                    stop()
                    os._exit(0)

    if log is not None:
        threading.Thread(target=watch, args=(log,), daemon=True).start()
    try:
        yield
    finally:
        over.set()
