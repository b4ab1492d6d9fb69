import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = float(1.0)
    for n in range(i):
        a = x[n]
        n += 1
    out[i] = a


x = wp.array(np.array([0.9376913], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0, 0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(2,), inputs=[x, out], device="cpu")
out.grad.assign(np.array([0.984375, -1.0625], np.float32))
tape.backward()
expected, actual = -1.0625, x.grad.numpy()[0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 2.5333426852261e-07 else 1)
