"""A campaign on a Ray cluster leaves the corpus that it leaves without one."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from corpus.files import LOCK
from harness.campaign.campaign import Campaign
from harness.commands import run

ROOT = Path(__file__).parents[1]
COUNT = 50
#: Seconds, for a machine that is busy.
PATIENCE = 900.0


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a corpus but its lock and its failures, on whose reduction the clock has a say."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != LOCK and "failures" not in file.parts
    }


needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: warpsmith[ray]")


@needs_ray
def test_a_node_that_dies_costs_and_doubles_nothing(tmp_path: Path) -> None:
    Campaign(tmp_path / "alone", seed=1, categories=("elementwise",), count=COUNT, workers=1).run()
    (tmp_path / "marks").mkdir()
    options = ("--corpus", str(tmp_path / "cluster"), "--seed", "1", "-c", "elementwise", "--count", str(COUNT))
    command = [sys.executable, str(ROOT / "tests" / "ray_cluster.py"), str(tmp_path / "marks"), *options]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), RAY_USAGE_STATS_ENABLED="0")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert f"{COUNT} verified ({COUNT} of them in this run" in done.stderr
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "ray"), "--engine ray needs Ray: pip install 'warpsmith[ray]'"),
        (("--address", "127.0.0.1:6379"), "--address is for --engine ray"),
    ],
)
def test_what_ray_cannot_do_is_said_in_a_sentence(
    options: tuple[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(["grow", *options, "--corpus", str(tmp_path / "corpus")]) == 2
    assert capsys.readouterr().err == f"warpsmith: {said}\n"
    assert not (tmp_path / "corpus").exists()


def test_an_address_without_a_cluster_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert run(["grow", "--engine", "ray", "--address", address, "--corpus", str(tmp_path / "corpus")]) == 2
    assert capsys.readouterr().err == f"warpsmith: there is no Ray cluster to use at {address}: Connection refused\n"
