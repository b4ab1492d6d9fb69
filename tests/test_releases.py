"""What bisecting promises: the first release that fails, in few runs, and honesty about what was not run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from corpus import files
from corpus.record import CorpusError
from harness import releases
from harness.campaign.campaign import Campaign
from harness.campaign.judging import lacking, operations
from harness.campaign.summary import StopReason
from harness.commands import bisect as command
from harness.commands.shared import BadUsage
from harness.jobs import Versions
from harness.releases import COMPLETE, Bisection, NoRelease, Seen, bisect, interpreter, is_installed
from harness.reports.script_run import Ran
from strategies import draw

VERSIONS = [f"1.{n}.0" for n in range(14, 30)]


@pytest.mark.parametrize("first", [0, 1, 7, 15])
def test_the_first_release_that_fails_is_found_in_few_runs(first: int):
    found = bisect(VERSIONS, lambda v: Seen.FAILS if VERSIONS.index(v) >= first else Seen.FIXED)
    assert found.first_bad == VERSIONS[first]
    assert found.last_good == (VERSIONS[first - 1] if first else None)
    assert len(found.tried) <= 6
    assert VERSIONS[first] in found.sentence


def test_what_fails_nowhere_is_said_to_fail_nowhere():
    found = bisect(VERSIONS, lambda v: Seen.FIXED)
    assert (found.first_bad, list(found.tried)) == (None, ["1.29.0"])
    assert "no release" in found.sentence


def test_a_release_that_cannot_tell_is_not_called_good():
    found = bisect(["1.14.0", "1.15.0"], lambda v: Seen.FAILS if v == "1.15.0" else Seen.UNKNOWN)
    assert found == Bisection("1.15.0", None, {"1.15.0": Seen.FAILS, "1.14.0": Seen.UNKNOWN})


def test_releases_come_in_order_and_without_those_that_are_too_old(monkeypatch: pytest.MonkeyPatch):
    said = "warp-lang (1.19.0)\nAvailable versions: 1.19.0, 1.9.1, 1.14.0, 1.15.1, 1.13.0\n"
    monkeypatch.setattr(releases, "_pip", lambda arguments, seconds: said)
    assert releases.releases() == ["1.14.0", "1.15.1", "1.19.0"]


@pytest.mark.parametrize("version", ["../elsewhere", "", "newest", "1.14.0/x"])
def test_what_can_be_no_release_is_no_name_of_a_folder(version: str, tmp_path: Path):
    with pytest.raises(NoRelease, match="is no release"):
        interpreter(version, tmp_path / "releases")
    assert not (tmp_path / "releases").exists()


def test_a_place_where_no_environment_can_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(NoRelease, match=f"no environment can be made in {tmp_path / 'file'}"):
        interpreter("1.14.0", tmp_path / "file" / "releases")


def test_a_user_without_a_home_is_told_of_another_place(monkeypatch: pytest.MonkeyPatch):
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(NoRelease, match="XDG_CACHE_HOME"):
        releases.cache_folder()


def test_an_empty_list_of_releases_is_bad_usage():
    with pytest.raises(BadUsage, match="no release"):
        command.bisect_command(["a-case"], only=" , ")


def test_a_release_that_cannot_be_installed_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "no network")

    monkeypatch.setattr(releases.subprocess, "run", fails)
    monkeypatch.setattr(releases.venv, "create", lambda place, with_pip: os.makedirs(place))
    with pytest.raises(NoRelease, match="no network"):
        interpreter("1.14.0", tmp_path)
    assert not (tmp_path / "1.14.0").exists()


def test_the_report_says_since_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stored = Path(__file__).resolve().parents[1] / "corpus" / "failures" / "half-to-bool"
    for name in ("case.json", "README.md"):
        (tmp_path / name).write_bytes((stored / name).read_bytes())
    monkeypatch.setattr(command, "interpreter", lambda version: version)
    monkeypatch.setattr(command, "run_repro", lambda script, python: Ran(int(python >= "1.16"), "said"))
    assert command.bisect_command([str(tmp_path)], only="1.14.0,1.15.0,1.16.0,1.17.0") == 0
    sentence = "the first that fails is 1.16.0, the last that does not is 1.15.0."
    assert sentence in capsys.readouterr().out
    assert f"Releases: {sentence}" in (tmp_path / "README.md").read_text()


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stored = Path(__file__).resolve().parents[1] / "corpus" / "failures" / "half-to-bool"
    for name in ("case.json", "README.md"):
        (tmp_path / name).write_bytes((stored / name).read_bytes())

    def refused(path: Path, parts: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files, "replace_file", refused)
    monkeypatch.setattr(command, "interpreter", lambda version: version)
    monkeypatch.setattr(command, "run_repro", lambda script, python: Ran(1, "said"))
    with pytest.raises(CorpusError, match=r"cannot write .*README\.md: Permission denied"):
        command.bisect_command([str(tmp_path)], only="1.14.0")


#: A release before the current one.
OLDER = "1.18.0"
#: Set, this lets the test install it, which is a download of 400 MB that pip has ten minutes for.
DOWNLOAD = "WARPSMITH_TEST_DOWNLOADS"
#: On the clock, for a machine that is busy; a quiet one needs ten.
SECONDS = 300.0


def test_a_release_is_installed_once_its_environment_is_complete(tmp_path: Path):
    (tmp_path / OLDER).mkdir()
    assert not is_installed(OLDER, tmp_path)
    (tmp_path / OLDER / COMPLETE).touch()
    assert is_installed(OLDER, tmp_path)


def test_a_hunt_runs_on_an_older_release(tmp_path: Path):
    if not (is_installed(OLDER) or os.environ.get(DOWNLOAD)):
        pytest.skip(f"Warp {OLDER} is not installed by `bisect` so far; {DOWNLOAD}=1 installs it")
    try:
        python = interpreter(OLDER)
    except NoRelease as error:
        pytest.skip(f"Warp {OLDER} cannot be installed: {error}")
    said: list[str] = []
    campaign = Campaign(
        tmp_path, seed=3, categories=["elementwise"], count=1, seconds=SECONDS, workers=1, hunt=True, python=python,
        say=said.append,
    )  # fmt: skip
    summary = campaign.run()
    assert summary.stop_reason is StopReason.COUNT
    assert summary.verified
    assert any(f"with Warp {OLDER}" in sentence for sentence in said)


def test_what_a_release_lacks_is_left_out():
    program = draw("bitwise", 0, 0)
    assert program is not None
    applied = operations(program)
    assert applied
    one = min(applied)
    assert one in lacking(Versions("1.14.0", "2.0", builtins=dict.fromkeys(applied - {one}, "")))
    assert not applied & lacking(Versions("1.14.0", "2.0", builtins=dict.fromkeys(applied, "")))
