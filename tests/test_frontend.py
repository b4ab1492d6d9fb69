"""What a hunt in the front end promises: internal exceptions are told from clear refusals, and shown by a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.frontend import edited, judge, script, shrink
from harness.reproduction import run_repro
from harness.sandbox import Sandbox

BAD = """\
import warp as wp


@wp.kernel
def edited(x: wp.array(dtype=wp.float32)):
    i = wp.tid()
    x[i] = 2.0
    for k, j in range(3):
        x[i] = 1.0
"""
CLEAR = BAD.replace("for k, j in range(3)", "for k in not_defined")
FINE = BAD.replace("for k, j in", "for k in")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def test_an_internal_exception_is_a_failure_with_its_place_and_a_script(sandbox: Sandbox):
    found = judge(BAD, sandbox)
    assert found is not None
    assert found.bucket == "attributeerror-codegen-py-emit_for"
    small = shrink(found, sandbox)
    assert small.bucket == found.bucket
    assert "2.0" not in small.source
    assert run_repro(script(small)).fails


@pytest.mark.parametrize("source", [FINE, CLEAR], ids=["fine", "refused clearly"])
def test_what_warp_builds_or_refuses_clearly_is_no_failure(source: str, sandbox: Sandbox):
    assert judge(source, sandbox) is None


def test_edited_kernels_depend_on_their_number_alone_and_parse():
    first = [edited(3, n) for n in range(12)]
    assert first == [edited(3, n) for n in range(12)]
    texts = [text for text in first if text is not None]
    assert len(set(texts)) == len(texts) >= 8
    assert not any("static" in text for text in texts)
