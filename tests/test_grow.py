"""Growing a corpus as the tests run: what `pytest --hypothesis-seed=N --corpus=DIR` is for."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from corpus.store import Store
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


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_grows(grown: Summary, grown_corpus: GrownCorpus, category: str) -> None:
    store = Store.open(grown_corpus.path, write=False)
    (progress,) = store.campaigns().values()
    # where most kernels of a category meet a known defect, two draws may give no pair
    assert any(store.records(category)) or any(what.startswith("known:") for what in progress.counters[category])


@UNSEEDED
@given(st.lists(kernels("compound"), min_size=1, max_size=4))
def test_kernels_that_are_built_together_are_verified(sandbox: Sandbox, programs: list[Program]) -> None:
    ledger = Ledger.load()
    version = sandbox.versions.warp
    for program, verdict in zip(programs, verify_all(programs, sandbox), strict=True):
        assert verdict.failure is None or ledger.explain(program, verdict, sandbox, version), verdict.failure
