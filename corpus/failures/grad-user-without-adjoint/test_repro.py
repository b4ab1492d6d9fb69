"""A function that uses `wp.grad` has no adjoint: what it returns has no gradient, not only that of the call"""

import numpy as np
import warp as wp


@wp.func
def f(x: wp.float32):
    return 1.0


@wp.func_grad(f)
def adj_f(x: wp.float32, adj_ret: wp.float32):
    wp.adjoint[x] += 1.0 * adj_ret


@wp.func
def g(x: wp.float32):
    return wp.grad(f)(x) * x


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = f(1.0) - g(x[i])


def test_grad_user_without_adjoint():
    x = wp.array(np.array([0.9046673], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([-1.078125], np.float32))
    tape.backward()
    expected, actual = 1.078125, x.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 1.2586672188565917e-06, f"gradient of x: expected {expected}, got {actual}"
