"""Assigning a component of a vector in a local struct, `s.v[1] = e`, passes no gradient on to `e`"""

import numpy as np
import warp as wp


@wp.struct
class Body:
    vel: wp.vec2


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = Body()
    a.vel[0] = x[i]
    out[i] = a.vel[0]


def test_struct_component_gradient():
    x = wp.array(np.array([0.94368327], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([0.5], np.float32))
    tape.backward()
    expected, actual = 0.5, x.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 1.1921616996108525e-07, f"gradient of x: expected {expected}, got {actual}"
