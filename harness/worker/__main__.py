"""Starts the worker by the path of this folder, under any interpreter; nothing else of the project is imported."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys


def _import_by_path(name: str, folder: str) -> None:
    """Import the package in `folder` under a name of its own, wherever it lies."""
    start = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    # A script's own folder comes first on the path, where its files could shadow the library's.
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    _import_by_path("warpsmith_worker", here)
    importlib.import_module("warpsmith_worker.parent").main()
