"""Atomics: which arrays they take."""

from __future__ import annotations

from typing import Final

from strategies.ops.signatures import FLOAT

#: The scalar types whose arrays each atomic takes, as its documentation and its error message say.
ATOMICS: Final = {
    "atomic_add": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_sub": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_min": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_max": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
}
