"""Growing a corpus as the tests run: what `pytest --hypothesis-seed=N --corpus=DIR` is for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stores import record

from corpus.journal import Progress
from corpus.store import Store
from harness.campaign.campaign import Campaign
from harness.campaign.summary import Summary
from harness.pytest_plugin import GrownCorpus
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verify import verify_all
from strategies import kernels
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program

#: Verified pairs for each category, about: categories take turns.
PAIRS: Final = 2

#: Of its own, because Hypothesis' profile for continuous integration would set the seed aside.
UNSEEDED: Final = settings(
    max_examples=4,
    derandomize=False,
    database=None,
    deadline=None,
    # what fails is worth a look as it is, and shrinking it by choices takes minutes
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def grown(grown_corpus: GrownCorpus) -> Summary:
    return grown_corpus.grow(PAIRS * len(CATEGORIES))


def test_no_new_failure_is_found(grown: Summary, grown_corpus: GrownCorpus) -> None:
    assert grown.new_failures == []
    # with pytest-xdist it may be another process that grew the corpus, and met one
    ledger, store = Ledger.load(), Store.open(grown_corpus.path, write=False)
    new = [case.bucket for case in store.cases() if ledger.by_bucket(case.bucket, case.provenance.warp) is None]
    assert new == []


def test_hardly_a_draw_is_discarded(grown: Summary) -> None:
    assert grown.count("discarded") + grown.count("invalid") == 0


def campaign_of(corpus: GrownCorpus) -> str:
    """The campaign of this run; the folder may hold others', of other seeds."""
    return Campaign(corpus.path, seed=corpus.seed).plan.campaign


def grows(corpus: GrownCorpus, category: str) -> bool | None:
    """Whether this run's seed gives pairs of a category; None if none, and fewer than `PAIRS` draws of it."""
    store = Store.open(corpus.path, write=False)
    progress = store.progress(campaign_of(corpus))
    # where most kernels of a category meet a known defect, two draws may give no pair
    excuses = (w for w in progress.counters.get(category, {}) if w == "duplicate" or w.startswith("known:"))
    if any(pair.provenance.seed == corpus.seed for pair in store.records(category)) or any(excuses):
        return True
    return None if progress.next < PAIRS * len(CATEGORIES) else False


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_grows(grown: Summary, grown_corpus: GrownCorpus, category: str) -> None:
    found = grows(grown_corpus, category)
    if found is None:
        pytest.skip(f"fewer than {PAIRS} kernels of each category were drawn")
    assert found


def test_a_category_is_judged_by_the_campaign_of_this_seed(tmp_path: Path) -> None:
    corpus, other = GrownCorpus(tmp_path, seed=2), campaign_of(GrownCorpus(tmp_path, seed=1))
    known = {"vector": {"known:an-issue": 1}}
    names = ("loop", "vector", "branch", "tile")
    with Store.open(tmp_path, write=True) as store:
        store.commit(campaign_of(corpus), Progress(2, 1, known), [record(0, seed=2)])
        store.commit(other, Progress(1000, 1, {"tile": {"known:an-issue": 1}}), [record(1, seed=1)])
        assert [grows(corpus, name) for name in names] == [True, True, None, None]
        store.commit(campaign_of(corpus), Progress(1000, 1, known))
    assert [grows(corpus, name) for name in names] == [True, True, False, False]


@UNSEEDED
@given(st.lists(kernels("compound"), min_size=1, max_size=4))
def test_kernels_that_are_built_together_are_verified(sandbox: Sandbox, programs: list[Program]) -> None:
    ledger = Ledger.load()
    version = sandbox.versions.warp
    for program, verdict in zip(programs, verify_all(programs, sandbox), strict=True):
        assert verdict.failure is None or ledger.explain(program, verdict, sandbox, version), verdict.failure
