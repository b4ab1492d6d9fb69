"""The condition of a `while` loop has no adjoint: what a function called there stores has no gradient"""

import numpy as np
import warp as wp


@wp.func
def f(out: wp.array(dtype=wp.float32), x: wp.int32):
    out[x] = 1.0
    return False


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
    out1: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    while f(out, i):
        break
    out1[i] = x[i]


def test_while_condition_adjoint_missing():
    x = wp.array(np.array([1.6860366], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
    out.grad.assign(np.array([1.21875], np.float32))
    out1.grad.assign(np.array([-1.078125], np.float32))
    tape.backward()
    expected, actual = 0.0, out.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"gradient of out: expected {expected}, got {actual}"
