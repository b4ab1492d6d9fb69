"""Where an earlier run was cut has no part in what a campaign leaves, even where Warp's names count what is beside."""

from __future__ import annotations

from pathlib import Path

from stores import contents

from harness.campaign.campaign import Campaign
from harness.campaign.plan import BATCH

#: Of the first functions of this seed that take functions, two have one name: Warp counts them within a batch.
SEED, CUT, COUNT = 0, 5, 12


def grow(path: Path, count: int) -> int:
    """The programs that a campaign has drawn when it has so many pairs."""
    return Campaign(path, seed=SEED, categories=("function",), count=count, workers=1).run().draws


def test_a_campaign_that_was_cut_within_a_batch_leaves_what_one_in_one_go_leaves(tmp_path: Path) -> None:
    assert grow(tmp_path / "whole", COUNT) <= BATCH
    assert grow(tmp_path / "cut", CUT) < BATCH
    grow(tmp_path / "cut", COUNT)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
