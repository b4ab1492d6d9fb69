"""Jobs and their results in the form in which a worker process takes and gives them: plain values and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.cpp.generated_code import GeneratedCodeError, kernel_text
from harness.jobs import (
    NUMPY_TYPES,
    Argument,
    ArrayArgument,
    ArrayResult,
    Job,
    JobResult,
    Launch,
    LaunchResult,
    ScalarArgument,
    Status,
    VectorArgument,
)


def _bytes_of(array: npt.NDArray[Any], dtype: str, components: int, what: str) -> bytes:
    if dtype not in NUMPY_TYPES:
        raise TypeError(f"Warp has no scalar type {dtype!r}")
    if array.dtype != NUMPY_TYPES[dtype]:
        raise TypeError(f"{what} of a {dtype} array is of {array.dtype}, not of {NUMPY_TYPES[dtype]}")
    if components and (array.ndim == 0 or array.shape[-1] != components):
        raise TypeError(f"{what} of an array of {components}-vectors has the shape {array.shape}")
    return np.ascontiguousarray(array).tobytes()


def _encode_argument(argument: Argument) -> dict[str, Any]:
    if isinstance(argument, ScalarArgument):
        return {"kind": "scalar", "dtype": argument.dtype, "value": argument.value}
    if isinstance(argument, VectorArgument):
        value = np.array(argument.value, NUMPY_TYPES[argument.dtype])
        return {
            "kind": "vector",
            "dtype": argument.dtype,
            "components": len(argument.value),
            "form": argument.form,
            "value": value.tobytes(),
        }
    shape = argument.data.shape[:-1] if argument.components else argument.data.shape
    cotangent = None
    if argument.cotangent is not None:
        if argument.cotangent.shape != argument.data.shape:
            raise TypeError(f"a cotangent has the shape {argument.cotangent.shape}, its array {argument.data.shape}")
        cotangent = _bytes_of(argument.cotangent, argument.dtype, argument.components, "the cotangent")
    return {
        "kind": "array",
        "dtype": argument.dtype,
        "components": argument.components,
        "form": argument.form,
        "shape": [int(extent) for extent in shape],
        "data": _bytes_of(argument.data, argument.dtype, argument.components, "the data"),
        "stride": argument.stride,
        "gradient": argument.gradient,
        "cotangent": cotangent,
    }


def encode_job(job: Job, more: Mapping[str, Any]) -> dict[str, Any]:
    """A job as it is sent; `more` are further arguments of `wp.launch`."""
    return {
        "source": job.source,
        "entry": job.entry,
        "launches": [
            {
                "dims": list(launch.dims),
                "parameters": [_encode_argument(argument) for argument in launch.arguments],
                "backward": launch.backward,
                "twice": launch.twice,
                "again": launch.again,
                "preceded": launch.preceded,
                "copied": launch.copied,
                "reused": launch.reused,
                "more": dict(more),
                "structs": [
                    {"struct": s.struct, "first": s.first, "fields": list(s.fields), "array": s.array}
                    for s in launch.structs
                ],
                "block_dim": launch.block_dim,
                "tape": launch.tape,
                "indexed": [{"first": of.first, "axes": list(of.axes)} for of in launch.indexed],
            }
            for launch in job.launches
        ],
    }


def _decode_launch(launch: Launch, result: Mapping[str, Any]) -> LaunchResult:
    arrays: list[ArrayResult | None] = []
    for argument, array in zip(launch.arguments, result["arrays"], strict=True):
        if not isinstance(argument, ArrayArgument):
            arrays.append(None)
            continue

        def typed(content: bytes, argument: ArrayArgument = argument) -> npt.NDArray[Any]:
            flat: npt.NDArray[Any] = np.frombuffer(content, NUMPY_TYPES[argument.dtype])
            return flat.reshape(argument.data.shape)

        arrays.append(
            ArrayResult(
                data=typed(array["data"]),
                gradient=None if array["gradient"] is None else typed(array["gradient"]),
                intact_after_backward=array["after_backward_intact"],
                canary_intact=array["canary"],
                again=None if array["again"] is None else typed(array["again"]),
            )
        )
    return LaunchResult(tuple(arrays), result["same_bits"], result["same_gradients"])


def decode_job(job: Job, result: Mapping[str, Any], reply: Mapping[str, Any]) -> JobResult:
    """The result of a job, out of its own part of a reply and what the reply says of the whole batch."""
    # A kernel that never got as far as the build is not in the text of its batch.
    defined = result["stage"] != "define"

    def own_text(module_text: str | None) -> str | None:
        if module_text is None or not defined:
            return None
        try:
            return kernel_text(module_text, job.entry, job.name, job.told_apart)
        except GeneratedCodeError:
            # The process may have died in the midst of writing it.
            if result["status"] == Status.OK:
                raise
            return None

    return JobResult(
        status=Status(result["status"]),
        stage=result["stage"],
        message=result["message"],
        # A launch in the middle of which the program failed has no result.
        launches=tuple(map(_decode_launch, job.launches, result["launches"])),
        # a kernel with a module of its own has a text of its own
        cpp=own_text(result.get("cpp", reply["cpp"])),
        cuda=own_text(result.get("cuda", reply["cuda"])),
        code=reply.get("code"),
        place=result.get("place", ""),
        hash=result.get("hash", ""),
    )
