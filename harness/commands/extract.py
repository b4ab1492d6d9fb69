"""`warpsmith extract`: the generated text of a person's own kernels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.commands.shared import BadUsage, Json, print_json, say
from harness.cpp import extraction
from harness.cpp.generated_code import GeneratedCodeError, backward_text, forward_text, kernel_text


class Device(str, Enum):
    """What text is generated for."""

    CPU = "cpu"
    CUDA = "cuda"


def extract(
    file: Annotated[Path, typer.Argument(help="A Python file with kernels. It is imported, so its code runs.")],
    kernel: Annotated[
        list[str] | None,
        typer.Option("--kernel", "-k", metavar="NAME", help="Only this kernel; more than once for several."),
    ] = None,
    device: Annotated[
        list[Device] | None, typer.Option("--device", "-d", help="cpu (C++), cuda, or both; cpu if left out.")
    ] = None,
    json: Json = False,
) -> int:
    """Print the complete C++ or CUDA that Warp generates for the kernels of a file, each as it would stand alone.

    A generic kernel has a text for each of its overloads.  Nothing is compiled, and no GPU is needed.  Exits with
    status 1 if a kernel has no text; the others are printed.
    """
    devices = list(dict.fromkeys(of.value for of in device or [Device.CPU]))
    found = generate(file, devices)
    names = list(dict.fromkeys(name for of in found["kernels"] for name in (of["key"], of["variable"])))
    unknown = sorted(set(kernel or ()) - set(names))
    if unknown:
        raise BadUsage(f"{file} has no kernel {unknown[0]!r}; there are {', '.join(names) or 'none'}")
    if not found["kernels"]:
        raise BadUsage(f"{file} has no kernels of its own")
    wanted = [of for of in found["kernels"] if not kernel or {of["key"], of["variable"]} & set(kernel)]
    rows, failed = [], 0
    for of in wanted:
        made, errors = _rows(of, found["modules"][of["module"]], devices)
        rows += made
        failed += len(errors)
        for error in errors:
            say(f"{of['variable']}: {error}")
    if json:
        print_json({"warp": found["version"], "kernels": rows})
    else:
        _print(rows, found["version"])
    return 1 if failed else 0


def generate(file: Path, devices: list[str]) -> dict[str, Any]:
    """The kernels of a file with their Python, and their modules' texts, as `harness.cpp.extraction` writes them."""
    if not file.is_file():
        raise BadUsage(f"there is no file {file}")
    with tempfile.TemporaryDirectory(prefix="warpsmith-extract-") as folder:
        # What the file prints is no part of the text.
        command = [sys.executable, extraction.__file__, str(file), folder, *devices]
        done = subprocess.run(command, capture_output=True, env=dict(os.environ, TMPDIR=folder), check=False)
        answer = Path(folder) / "kernels.json"
        if not answer.exists():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            status = done.returncode
            how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            raise BadUsage(": ".join([f"the process that imported {file} {how}", *last]))
        found: dict[str, Any] = json.loads(answer.read_bytes())
    if "error" in found:
        raise BadUsage(f"{file} cannot be imported: {found['error']}")
    return found


def _rows(kernel: dict[str, Any], module: dict[str, Any], devices: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a kernel's instances, and why some have none."""
    if not kernel["instances"]:
        return [], ["a generic kernel without overloads has no text; make one with wp.overload"]
    if module["error"] is not None:
        return [], [f"Warp generates nothing for its module: {module['error']}"]
    rows, errors = [], []
    for instance in kernel["instances"]:
        try:
            rows.append(_row(kernel, instance, module["texts"], devices))
        except GeneratedCodeError as error:
            errors.append(str(error))
    return rows, errors


def _row(
    kernel: dict[str, Any], instance: dict[str, Any], texts: dict[str, str], devices: list[str]
) -> dict[str, str | None]:
    name = kernel["key"]
    row = {"kernel_name": name, "variable": kernel["variable"], "overload": instance["types"] or None}
    row["python"] = kernel["python"]
    of = {device: kernel_text(texts[device], instance["entries"][device], name) for device in devices}
    if "cpu" in devices:
        row |= {"cpp": of["cpu"], "cpp_forward": forward_text(of["cpu"]), "cpp_backward": backward_text(of["cpu"])}
    if "cuda" in devices:
        row["cuda"] = of["cuda"]
    return row


def _print(rows: list[dict[str, Any]], version: str) -> None:
    for row in rows:
        name = (
            row["kernel_name"] if row["variable"] == row["kernel_name"] else f"{row['kernel_name']} ({row['variable']})"
        )
        if row["overload"]:
            name += f" of {row['overload']}"
        for device, column in (("cpu", "cpp"), ("cuda", "cuda")):
            if column in row:
                print(f"// {name}, {device}, generated by Warp {version}\n{row[column]}", flush=True)
