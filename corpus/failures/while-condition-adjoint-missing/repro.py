import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


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


x = wp.array(np.array([1.6860366], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
out.grad.assign(np.array([1.21875], np.float32))
out1.grad.assign(np.array([-1.078125], np.float32))
tape.backward()
expected, actual = 0.0, out.grad.numpy()[0]
print(f"gradient of out: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.0 else 1)
