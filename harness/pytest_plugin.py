"""pytest for warpsmith's own tests: `--corpus=DIR` grows a corpus as they run.

``pytest --hypothesis-seed=N --corpus=DIR`` grows DIR; with a seed alone, a folder for temporary files, whose
place is printed; with neither, pairs are verified and thrown away.  Only tests that ask for the fixture
`grown_corpus` grow anything.  pytest loads this in every project that is tested with the same interpreter;
so it does nothing, and imports nothing, unless it is run within warpsmith's own folder.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from harness.campaign.summary import Summary

OPTION: Final = "--corpus"
COUNT_OPTION: Final = "--corpus-count"
#: What a worker of pytest-xdist is told by the process that started it.
HANDED_ON: Final = "warpsmith_corpus"
#: Seconds to wait for another worker of pytest-xdist that grows the same folder and does not get on.
BUSY_SECONDS: Final = 300.0

_FOLDER: Final = pytest.StashKey[Path | None]()
_ROOT: Final = Path(__file__).resolve().parents[1]


class GrownCorpus:
    """A corpus that grows while the tests run."""

    def __init__(self, path: Path, seed: int, count: int | None = None) -> None:
        self.path = path
        self.seed = seed
        self.count = count

    def grow(self, count: int, **more: Any) -> Summary:
        """Have the campaign of this run's seed come to `count` verified pairs, or to those that pytest was given.

        See `harness.campaign.campaign.Campaign` for the other arguments.
        """
        # Here, for pytest loads this file in other people's projects too.
        from corpus.files import CorpusBusy
        from corpus.journal import JOURNAL
        from harness.campaign.campaign import Campaign

        seen, since = _state(self.path / JOURNAL), time.monotonic()
        while True:
            try:
                return Campaign(
                    self.path, seed=self.seed, count=count if self.count is None else self.count, **more
                ).run()
            except CorpusBusy:
                if (now := _state(self.path / JOURNAL)) != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > BUSY_SECONDS:
                    raise
                time.sleep(0.2)


def _state(file: Path) -> tuple[int, int] | None:
    """What changes when something is written to a file; None if there is no such file."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _own_tests() -> bool:
    """Whether pytest is run from within warpsmith's checkout."""
    return (_ROOT / "pyproject.toml").is_file() and Path.cwd().resolve().is_relative_to(_ROOT)


def pytest_addoption(parser: pytest.Parser) -> None:
    if _own_tests():
        group = parser.getgroup("warpsmith")
        group.addoption(
            OPTION,
            metavar="DIR",
            help="Grow the corpus in DIR with the pairs that warpsmith's tests verify.",
        )
        group.addoption(
            COUNT_OPTION,
            metavar="N",
            type=int,
            help="Verified pairs that the corpus is to have, instead of those that the tests ask for.",
        )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FOLDER] = _folder(config)


def _folder(config: pytest.Config) -> Path | None:
    """Where pairs are kept; None if they are not."""
    handed_on = getattr(config, "workerinput", {}).get(HANDED_ON)
    if handed_on is not None:
        return Path(handed_on)
    given = config.getoption(OPTION, None)
    if given == "":
        raise pytest.UsageError(f"{OPTION} needs the name of a folder")
    if given is not None:
        return Path(config.invocation_params.dir, given).resolve()
    if _own_tests() and config.getoption("--hypothesis-seed", None) is not None:
        return Path(tempfile.mkdtemp(prefix="warpsmith-pytest-"))
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All workers of pytest-xdist share one folder."""
    folder = node.config.stash.get(_FOLDER, None)
    if folder is not None:
        node.workerinput[HANDED_ON] = str(folder)


def seed_of(config: pytest.Config) -> int:
    """The seed that Hypothesis was given as a number, 0 if it was given none."""
    given = config.getoption("--hypothesis-seed", None)
    if given is None:
        return 0
    try:
        number = int(given)
    except ValueError:
        number = -1
    if number >= 0:
        return number
    return int.from_bytes(hashlib.sha256(str(given).encode()).digest()[:4], "big")


def pytest_report_header(config: pytest.Config) -> str | None:
    folder = config.stash.get(_FOLDER, None)
    return None if folder is None else f"warpsmith: growing {folder} with seed {seed_of(config)}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    folder = config.stash.get(_FOLDER, None)
    if folder is None:
        return
    from corpus.checking import is_corpus
    from corpus.record import CorpusError
    from corpus.store import Store

    if not is_corpus(folder):
        # no test that was selected grows it
        return
    try:
        pairs = sum(progress.verified for progress in Store.open(folder, write=False).campaigns().values())
    except CorpusError as error:
        terminalreporter.write_line(f"warpsmith: {error}")
    else:
        terminalreporter.write_line(f"warpsmith: {pairs} verified pairs in {folder}")


@pytest.fixture(scope="session")
def grown_corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GrownCorpus:
    """The corpus of `--corpus`, or one that is thrown away."""
    folder = request.config.stash.get(_FOLDER, None) or tmp_path_factory.mktemp("corpus")
    return GrownCorpus(folder, seed_of(request.config), request.config.getoption(COUNT_OPTION, None))
