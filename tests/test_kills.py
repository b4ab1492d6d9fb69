"""A campaign that is killed at random moments loses nothing; `benchmarks/kills.py` does it fifty times."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from corpus.journal import Progress
from corpus.store import Store

KILLS = 3


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("kills")


def test_kills_at_random_moments_cost_nothing(kills: ModuleType, tmp_path: Path) -> None:
    found = kills.disturb(tmp_path, kills=KILLS, seed=3, count=30, workers=1, longest=4.0)
    assert found.struck.total() == KILLS
    assert found.starts >= 2


def test_what_a_kill_could_cost_is_noticed(kills: ModuleType, tmp_path: Path) -> None:
    disturbed = kills.Disturbed(tmp_path, seed=0, count=1, workers=1, random=kills.random.Random(0))
    with Store.open(tmp_path, write=True) as store:
        store.commit("some campaign", Progress(3, 2))
    with pytest.raises(kills.Lost, match="2 pairs were acknowledged, and 0 are there"):
        disturbed.check()
