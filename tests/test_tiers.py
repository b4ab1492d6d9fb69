"""Kernels whose gradients, or results, prove nothing are not verified, or forward only."""

from __future__ import annotations

import math

import msgspec
from tiny import AT, apply, kernel, literal, program_of

from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.nodes import Assign, AugmentedAssign, Element, Literal, Parameter, Program
from strategies.language.types import FLOAT32, INT32


def test_a_kernel_that_does_not_look_at_its_inputs_is_not_verified(sandbox: Sandbox) -> None:
    out = Element(FLOAT32, "out", (AT,))
    wide = Parameter("out", t.array(FLOAT32), -3.0, 3.0, (6,), True)
    blind = program_of(FLOAT32, AugmentedAssign(out, "add", literal(FLOAT32, 1.0)))
    blind = replace_parameter(blind, wide)
    (verdict,) = verify_all([blind], sandbox)
    assert not verdict.verified


def replace_parameter(program: Program, parameter: Parameter) -> Program:
    others = tuple(parameter if p.name == parameter.name else p for p in program.parameters)
    return msgspec.structs.replace(program, parameters=others)


def test_a_kernel_whose_gradients_are_all_zero_is_verified_forward_only(sandbox: Sandbox) -> None:
    (verdict,) = verify_all([kernel(FLOAT32, lambda a, b: apply("floor", a))], sandbox)
    assert verdict.verified
    assert verdict.tier is Tier.FORWARD
    assert verdict.reason == "no gradient is told from zero"


def test_an_output_that_is_read_back_is_as_inexact_as_it_was(sandbox: Sandbox) -> None:
    out, copy = Element(FLOAT32, "out", (AT,)), Element(FLOAT32, "copy", (AT,))
    more = (Parameter("copy", t.array(FLOAT32), 0.0, 0.0, (6,), True),)
    body = (Assign(out, apply("sin", Element(FLOAT32, "a", (AT,)))), Assign(copy, out))
    (verdict,) = verify_all([program_of(FLOAT32, *body, more=more)], sandbox)
    assert verdict.verified, verdict.failure


def test_an_array_of_which_no_gradient_is_checked_is_not_verified_backward(sandbox: Sandbox) -> None:
    """One cell, at a kink for every thread, beside six that are fine."""
    pivot = Element(FLOAT32, "pivot", (Literal(INT32, 0),))
    value = apply("add", apply("abs", pivot), apply("mul", *(Element(FLOAT32, n, (AT,)) for n in "ab")))
    more = (Parameter("pivot", t.array(FLOAT32), 0.0, 0.0, (1,)),)
    (verdict,) = verify_all([program_of(FLOAT32, Assign(Element(FLOAT32, "out", (AT,)), value), more=more)], sandbox)
    assert verdict.tier is not Tier.BACKWARD
    # what was compared is told all the same
    assert {("out", False), ("a", True), ("b", True)} <= verdict.compared.keys()
    assert ("pivot", True) not in verdict.compared
    assert math.isfinite(verdict.figures.gradient_error)
