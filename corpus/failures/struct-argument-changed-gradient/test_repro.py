"""The gradient of a struct that is read after a call passes through what the function did to its argument"""

import numpy as np
import warp as wp


@wp.struct
class Body:
    mass: wp.float32


@wp.func
def f(x: Body):
    x.mass = 1.0
    return x


@wp.kernel
def kernel(x: wp.array(dtype=Body), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = x[i]
    b = f(a)
    out[i] = a.mass * b.mass


def test_struct_argument_changed_gradient():
    x_mass = wp.array(np.array([0.74613696], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    x = wp.array(np.zeros((1,), Body.numpy_dtype()), dtype=Body, requires_grad=True)
    x.numpy()["mass"] = x_mass.numpy()
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([-1.0625], np.float32))
    tape.backward()
    expected, actual = -1.0625, x.grad.numpy()["mass"][0]
    assert abs(float(actual) - expected) <= 1.098797206779755e-06, f"gradient of x.mass: expected {expected}, got {actual}"
