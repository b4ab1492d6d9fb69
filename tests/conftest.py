"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest

from harness.sandbox import Sandbox

# Where warpsmith is installed, pytest has found its plugin already.
if not any(entry.name == "warpsmith" for entry in entry_points(group="pytest11")):
    pytest_plugins = ["harness.pytest_plugin"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One worker for all tests that need no other."""
    with Sandbox() as found:
        yield found
