"""The C++ and CUDA text of one kernel, cut out of what Warp wrote for a whole module.

Warp generates one file a module. `kernel_text` keeps what one kernel needs and nothing that depends on its
neighbours: the module's header, the structs and functions that the kernel uses, its argument struct, its
forward and backward function and its entry points. The result compiles on its own, and is the same whatever
else was in the module. Names lose their hashes, and paths are dropped; nothing else of Warp's text changes,
apart from the blank lines between definitions.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

NO_BFLOAT16 = "#define WP_NO_BFLOAT16\n"
"""Warp puts this line in front of a module whose text does not contain the word "bfloat16"."""

DEF_COLUMN = 80
"""Warp pads the source line in a comment to this width, so that the line markers stand in one column."""

COMPILERS = ("c++", "g++", "clang++")
"""Looked for on the PATH in this order. `ziglang` comes after them: its first run builds a C++ library for
minutes."""

COMPILE_FLAGS = ("-std=c++17", "-w")
"""All that Warp's header needs. Warnings are off: the text is generated."""

COMPILE_SECONDS = 600
"""A compiler that takes longer hangs: a text takes about a second, ziglang's first run about two minutes."""


class GeneratedCodeError(Exception):
    """Warp's text is not what `kernel_text` understands, or does not contain the kernel."""


class CompilerNotFound(GeneratedCodeError):
    """There is no C++ compiler on this machine."""


# ----------------------------------------------------------------------------
# Cutting a module into definitions


@dataclass(frozen=True)
class _Item:
    """One definition at the top level of a module, with the comments in front of it."""

    text: str
    defines: frozenset[str]
    is_struct: bool

    @functools.cached_property
    def identifiers(self) -> tuple[str, ...]:
        """The words of the code, in the order in which they first appear."""
        return tuple(dict.fromkeys(_IDENTIFIER.findall(self._code)))

    @functools.cached_property
    def _code(self) -> str:
        return "\n".join(map(_code_of, self.text.split("\n")))

    @functools.cached_property
    def types(self) -> Mapping[str, str]:
        """The types of the primal variables that the definition declares, its parameters among them."""
        return {name: "".join(of.split()) for of, name in _VARIABLE.findall(self._code)}

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """The types of the primal parameters of a function."""
        signature = self._code.partition("(")[2].partition("{")[0]
        return tuple("".join(of.split()) for of, _ in _VARIABLE.findall(signature))

    def calls(self, function: str) -> Iterator[tuple[str | None, ...]]:
        """For each call of `function`, the types of its arguments; None for what is no primal variable."""
        for called, arguments in _CALL.findall(self._code):
            if called == function:
                yield tuple(self.types.get(argument.strip()) for argument in arguments.split(","))


@dataclass(frozen=True)
class _Module:
    header: str
    items: tuple[_Item, ...]


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"\b(\w+)\(([^()]*)\)")
_VARIABLE = re.compile(r"^\s*(?:const )?([\w:]+(?:<.*>)?[ *&]*)\b(var_\w+)\s*(?=[;=,)])", re.MULTILINE)
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'')
_SIGNATURE = re.compile(r"[^/#\n]*\b(\w+)\(\s*$")
_STRUCT = re.compile(r"^struct (\w+)", re.MULTILINE)
_ORIGIN = re.compile(r"^// .+:\d+\n", re.MULTILINE)
_LINE_DIRECTIVE = re.compile(r'^(\s*#line \d+) ".*"$', re.MULTILINE)
_HELPER_OF_STRUCT = ("CUDA_CALLABLE ", "static CUDA_CALLABLE void adj_", "#if ")
_HASHED = re.compile(r"^(\w+?)_[0-9a-f]{8}$")
_NUMBERED = re.compile(r"^(\w+?)_\d+$")
_ENTRY_POINT = re.compile(r"((?:_[0-9a-f]{8})?)_(?:cpu|cuda)_\w+")
_DEF_LINE = re.compile(r"^(\s*// (?:adj: )?)def (\w+)(.*?) *(  |       )(<L \d+>)$", re.MULTILINE)


def _code_of(line: str) -> str:
    """A line without its strings and its comment."""
    stripped = line.strip()
    if "/" not in stripped and '"' not in stripped and "'" not in stripped:
        return stripped
    if stripped.startswith("//"):
        return ""
    if '"' in stripped or "'" in stripped:
        stripped = _LITERAL.sub("0", stripped)
    return stripped.split("//", 1)[0].rstrip()


def _item(lines: Sequence[str]) -> _Item:
    text = "".join(lines).strip("\n")
    struct = _STRUCT.search(text)
    defines = {found.group(1) for line in lines if "(" in line and (found := _SIGNATURE.match(line))}
    if struct is not None:
        defines = {struct.group(1)}
    return _Item(text, frozenset(defines), struct is not None)


def _without_comments(text: str) -> str:
    lines = text.split("\n")
    while lines and (not lines[0].strip() or lines[0].startswith("//")):
        lines.pop(0)
    return "\n".join(lines)


def _belongs_to_struct(item: _Item, struct: _Item) -> bool:
    """Whether a definition right behind a struct is one of the helpers that Warp writes with every struct."""
    (name,) = struct.defines
    return (
        _ORIGIN.match(item.text) is None
        and _without_comments(item.text).startswith(_HELPER_OF_STRUCT)
        and name in item.identifiers
    )


@functools.lru_cache(maxsize=8)
def _parse(module_text: str) -> _Module:
    lines = module_text.splitlines(keepends=True)
    first_code = next(
        (n for n, line in enumerate(lines) if _code_of(line) and not line.lstrip().startswith("#")),
        len(lines),
    )
    directives = [n for n in range(first_code) if lines[n].startswith("#") and not lines[n].startswith("#line ")]
    start = directives[-1] + 1 if directives else 0

    items: list[_Item] = []
    depth = conditionals = 0
    pending: list[str] = []
    for line in lines[start:]:
        pending.append(line)
        if depth and "{" not in line and "}" not in line:
            continue
        if depth == 0 and line.startswith("#"):
            conditionals += line.startswith("#if")
            conditionals -= line.startswith("#endif")
            ended = line.startswith("#endif")
        else:
            code = _code_of(line)
            depth += code.count("{") - code.count("}")
            ended = code.endswith(("}", ";"))
        if ended and depth == 0 and conditionals == 0:
            items.append(_item(pending))
            pending = []
    if depth or any(_code_of(line) for line in pending):
        raise GeneratedCodeError("the generated text ends in the middle of a definition")

    merged: list[_Item] = []
    for item in items:
        previous = merged[-1] if merged else None
        if previous is not None and previous.is_struct and _belongs_to_struct(item, previous):
            merged[-1] = _Item(previous.text + "\n\n" + item.text, previous.defines, True)
        else:
            merged.append(item)
    return _Module("".join(lines[:start]), tuple(merged))


# ----------------------------------------------------------------------------
# One kernel


def kernel_text(
    module_text: str, entry: str, name: str | None = None, arguments: Mapping[str, str] | None = None
) -> str:
    """The complete text of one kernel.

    Args:
        module_text: the C++ or CUDA text of a module, as Warp wrote it.
        entry: the name of the kernel function in Python.
        name: the name that the kernel gets in the text; `entry`, if None.
        arguments: of a generic kernel, the C++ types, without spaces, of parameters that tell its instances apart.

    Raises:
        GeneratedCodeError: the module does not define that kernel exactly once.
    """
    module = _parse(module_text)
    name = entry if name is None else name
    mangled = {
        entry + found.group(1)
        for item in module.items
        for word in item.defines
        if word.startswith(entry) and (found := _ENTRY_POINT.fullmatch(word, len(entry)))
    }
    if arguments and len(mangled) > 1:
        mangled = {kernel for kernel in mangled if _takes(module, kernel, arguments)}
    if len(mangled) != 1:
        number = "no kernel" if not mangled else f"{len(mangled)} kernels"
        raise GeneratedCodeError(f"the generated text defines {number} named {entry!r}")
    (kernel,) = mangled

    items = _needed(module, kernel)
    body = "\n\n".join(item.text for item in items).replace(kernel, name)
    body = _rename(body, _plain_names(items, kernel))
    body = _ORIGIN.sub("", body)
    body = _LINE_DIRECTIVE.sub(rf'\1 "{name}.py"', body)
    if name != entry:
        body = _rename_def(body, entry, name)
    header = module.header.removeprefix(NO_BFLOAT16)
    return ("" if "bfloat16" in body else NO_BFLOAT16) + header + "\n" + body + "\n"


def _takes(module: _Module, kernel: str, arguments: Mapping[str, str]) -> bool:
    """Whether a kernel's parameters have these types."""
    forward = re.compile(rf"{re.escape(kernel)}_(?:cpu|cuda)_kernel_forward")
    found = [item.types for item in module.items if any(forward.fullmatch(word) for word in item.defines)]
    return any(all(types.get(f"var_{name}") == of for name, of in arguments.items()) for types in found)


def _needed(module: _Module, kernel: str) -> list[_Item]:
    """The definitions that a kernel needs, its own last.

    A module holds structs and functions in the order in which any of its kernels came to use them.  Here they
    stand in the order in which this one does, each behind what it needs itself, and a function's adjoint
    behind the function.
    """
    definers: dict[str, list[int]] = {}
    for position, item in enumerate(module.items):
        for word in item.defines:
            definers.setdefault(word, []).append(position)
    own = sorted({n for word, found in definers.items() if word.startswith(kernel + "_") for n in found})
    needs: dict[int, list[int]] = {}
    reached: dict[int, None] = {}

    def visit(position: int) -> None:
        if position in needs:
            return
        item = module.items[position]
        words = [word for word in item.identifiers if word not in item.defines]
        needs[position] = [n for word in words for n in _meant(module, item, word, definers.get(word, ()))]
        for other in needs[position]:
            visit(other)
        reached[position] = None

    for position in own:
        visit(position)
    groups: dict[tuple[str, ...], list[int]] = {}
    for position in reached:
        if position not in own:
            item = module.items[position]
            words = sorted(word.removeprefix("adj_") for word in item.defines)
            groups.setdefault((*words, *item.parameters), []).append(position)
    order = _each_behind_its_needs([sorted(group) for group in groups.values()], needs)
    return [module.items[position] for position in (*order, *own)]


def _each_behind_its_needs(groups: Sequence[Sequence[int]], needs: Mapping[int, Sequence[int]]) -> list[int]:
    """The members of `groups`, each group behind those that any of its members needs, and else as they are given.

    A function stands for its adjoint, too: that may need what the function does not, such as a gradient that somebody
    wrote for another.
    """
    group_of = {position: group for group in groups for position in group}
    order: dict[int, None] = {}
    begun: set[int] = set()

    def place(group: Sequence[int]) -> None:
        if group[0] in begun:
            return
        begun.add(group[0])
        for position in group:
            for other in needs[position]:
                if other in group_of:
                    place(group_of[other])
        order.update(dict.fromkeys(group))

    for group in groups:
        place(group)
    return list(order)


def _meant(module: _Module, caller: _Item, word: str, candidates: Sequence[int]) -> Sequence[int]:
    """Which of the definitions of `word` a definition uses, in the order of its calls: functions may be overloaded.

    Where that cannot be told from the types of the arguments, all of them.
    """
    if len(candidates) < 2:
        return candidates
    calls = list(caller.calls(word))
    if not calls:
        return candidates

    def fits(candidate: int, call: tuple[str | None, ...]) -> bool:
        wanted = module.items[candidate].parameters
        return all(given is None or given == of for of, given in zip(wanted, call, strict=False))

    return list(dict.fromkeys(candidate for call in calls for candidate in candidates if fits(candidate, call)))


def _plain_names(items: Sequence[_Item], kernel: str) -> dict[str, str]:
    """New names for structs (without their hash) and functions (numbered by their order in this text
    alone)."""
    names: dict[str, str] = {}
    used: dict[str, int] = {}
    for item in items:
        for word in sorted(item.defines):
            if kernel in word or word.removeprefix("adj_") in names:
                continue
            if item.is_struct and (found := _HASHED.match(word)):
                plain = found.group(1)
                count = used[plain] = used.get(plain, -1) + 1
                names[word] = plain if count == 0 else f"{plain}_{count}"
            elif not item.is_struct and (found := _NUMBERED.match(word)):
                plain = found.group(1)
                count = used[plain] = used.get(plain, -1) + 1
                names[word] = f"{plain}_{count}"
    return names


def _rename(body: str, names: dict[str, str]) -> str:
    everywhere = names | {f"adj_{word}": f"adj_{new}" for word, new in names.items()}

    def renamed(line: str) -> str:
        # A comment quotes the Python source, where the same word means something else.
        if line.lstrip().startswith("//") or not any(word in line for word in names):
            return line
        return _IDENTIFIER.sub(lambda found: everywhere.get(found.group(), found.group()), line)

    return "\n".join(map(renamed, body.split("\n"))) if names else body


def _rename_def(body: str, entry: str, name: str) -> str:
    """Rename the kernel in the comments that quote its `def` line, with Warp's padding for the new length."""

    def renamed(found: re.Match[str]) -> str:
        prefix, defined, rest, _, marker = found.groups()
        if defined != entry:
            return found.group()
        gap = "  " if prefix.endswith("adj: ") else "       "
        return prefix + f"def {name}{rest}".ljust(DEF_COLUMN) + gap + marker

    return _DEF_LINE.sub(renamed, body)


def _definition(text: str, direction: str) -> str | None:
    pattern = re.compile(rf"^\w+_(?:cpu|cuda)_kernel_{direction}$")
    found = [item for item in _parse(text).items if any(pattern.match(word) for word in item.defines)]
    if len(found) > 1:
        raise GeneratedCodeError(f"the generated text has {len(found)} {direction} kernels: cut one out first")
    return found[0].text if found else None


def forward_text(cpp: str) -> str:
    """The definition of the forward function alone, of a text of one kernel."""
    text = _definition(cpp, "forward")
    if text is None:
        raise GeneratedCodeError("the generated text has no forward kernel")
    return text


def backward_text(cpp: str) -> str | None:
    """The definition of the backward function alone; None, if the kernel was built without one."""
    return _definition(cpp, "backward")


# ----------------------------------------------------------------------------
# Compiling a text that stands alone


def native_folder() -> Path:
    """The folder of Warp's C++ headers."""
    spec = importlib.util.find_spec("warp")
    if spec is None or not spec.submodule_search_locations:
        raise GeneratedCodeError("Warp is not installed for this interpreter: its C++ headers are needed")
    return Path(next(iter(spec.submodule_search_locations))) / "native"


def find_compiler() -> tuple[str, ...]:
    """The command of a C++ compiler: `$CXX`, else one on the PATH, else that of the package `ziglang`.

    Raises:
        CompilerNotFound: with what to install.
    """
    if os.environ.get("CXX"):
        return tuple(shlex.split(os.environ["CXX"]))
    for command in COMPILERS:
        found = shutil.which(command)
        if found is not None:
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "c++")
    raise CompilerNotFound("no C++ compiler found: install g++ or clang++, or `pip install ziglang`, or set $CXX")


def compile_each(texts: Sequence[str]) -> list[str | None]:
    """Compile each of many C++ texts by itself: None for a text that compiles, else what the compiler said.

    Warp's header takes most of the time. It is compiled once for all texts that begin with the same lines,
    as a precompiled header, if there are enough of them to pay for it.

    Raises:
        CompilerNotFound: there is no compiler.
    """
    command = [*find_compiler(), *COMPILE_FLAGS, f"-I{native_folder()}"]
    with tempfile.TemporaryDirectory(prefix="warpsmith-compile-") as folder:
        headers = _precompile(texts, command, Path(folder))

        def one(numbered: tuple[int, str]) -> str | None:
            number, text = numbered
            header = header_text(text)
            source = Path(folder) / f"kernel_{number}.cpp"
            extra: tuple[str, ...] = ()
            if header in headers:
                extra = ("-include", str(headers[header]))
                text = behind_header(text, header)
            source.write_text(text, encoding="utf-8")
            return _run([*command, *extra, "-c", str(source), "-o", str(source.with_suffix(".o"))])

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(one, enumerate(texts)))


PRECOMPILE_FROM = 3
"""Texts that share a header, from which on precompiling it is faster than reading it each time."""


def header_text(text: str) -> str:
    """The lines that a text has in common with other texts of the same release; empty, if it is no text of Warp's."""
    try:
        return _parse(text).header
    except GeneratedCodeError:
        return ""


def behind_header(text: str, header: str) -> str:
    """What follows a header, on the lines that it has in the whole text: the compiler names those."""
    return "\n" * header.count("\n") + text.removeprefix(header)


def _precompile(texts: Sequence[str], command: Sequence[str], folder: Path) -> dict[str, Path]:
    counts: dict[str, int] = {}
    for text in texts:
        header = header_text(text)
        counts[header] = counts.get(header, 0) + 1
    headers: dict[str, Path] = {}
    for number, (header, count) in enumerate(counts.items()):
        if count < PRECOMPILE_FROM or not header:
            continue
        path = folder / f"header_{number}.h"
        path.write_text(header, encoding="utf-8")
        # Where a compiler has no such thing, or says so by failing, every text is compiled with the header
        # in it.
        if _run([*command, "-x", "c++-header", str(path), "-o", f"{path}.gch"]) is None:
            headers[header] = path
    return headers


def _run(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
    except FileNotFoundError:
        raise CompilerNotFound(f"there is no C++ compiler {command[0]!r}") from None
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not end in {COMPILE_SECONDS} s"
    if done.returncode == 0:
        return None
    return (done.stderr or done.stdout).strip() or f"{command[0]} ended with status {done.returncode}"
