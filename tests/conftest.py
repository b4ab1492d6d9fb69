"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest

from harness.sandbox import Sandbox

# Where warpsmith is installed, pytest has found its plugin already.
if not any(entry.name == "warpsmith" for entry in entry_points(group="pytest11")):
    pytest_plugins = ["harness.pytest_plugin"]

#: The files that take longest come first: of two processes that take a file each, neither then ends long before the
#: other.
LONGEST = (
    "test_campaign",
    "test_planted_defects",
    "test_reducers",
    "test_frequencies",
    "test_pytest_plugin",
    "test_triage",
    "test_report",
    "test_ray",
    "test_dataset",
    "test_oracle",
    "test_strategies",
    "test_ops",
    "test_probes",
    "test_kills",
    "test_shrink",
)


def pytest_configure(config: pytest.Config) -> None:
    """Have pytest-xdist, if it is there, keep to that order: it would begin with files of many tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    order = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One worker for all tests that need no other."""
    with Sandbox() as found:
        yield found
