import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.func
def f(out: wp.array(dtype=wp.float32), x: wp.int32, y: wp.float32):
    out[x] += y
    return y, y


@wp.func_replay(f)
def replay_f(out: wp.array(dtype=wp.float32), x: wp.int32, y: wp.float32):
    return y, y


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
    out1: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    a, b = f(out, i, x[i])
    out1[i] = a


x = wp.array(np.array([1.0432429], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
before = out.numpy().copy()
out.grad.assign(np.array([-1.390625], np.float32))
out1.grad.assign(np.array([-0.78125], np.float32))
tape.backward()
print(f"out: expected unchanged {before}, got {out.numpy()}")
sys.exit(0 if np.array_equal(before, out.numpy(), equal_nan=True) else 1)
