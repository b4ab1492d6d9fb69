"""The operand of `and` or `or` that decides has no adjoint: what a function called there stores has no gradient"""

import numpy as np
import warp as wp


@wp.func
def f(out: wp.array(dtype=wp.float32), x: wp.int32, y: wp.float32):
    out[x] = y
    return y < 1.0


@wp.kernel
def kernel(
    x: wp.array(dtype=bool),
    y: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
    out1: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    out1[i] = 1.0 if x[i] and f(out, i, y[i]) else 1.0


def test_boolop_operand_adjoint_skipped():
    x = wp.array(np.array([True], np.bool_), dtype=bool, requires_grad=True)
    y = wp.array(np.array([1.222432], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, y, out, out1], device="cpu")
    out.grad.assign(np.array([0.828125], np.float32))
    out1.grad.assign(np.array([0.96875], np.float32))
    tape.backward()
    expected, actual = 0.828125, y.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 1.9746923781270727e-07, f"gradient of y: expected {expected}, got {actual}"
