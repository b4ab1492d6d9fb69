import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    y: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    a = x[i]
    for n in range(1):
        a = y[n]
        break
    out[i] = a


x = wp.array(np.array([0.8317442], np.float32), dtype=wp.float32, requires_grad=True)
y = wp.array(np.array([1.9614567], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
out.grad.assign(np.array([1.078125], np.float32))
tape.backward()
expected, actual = 0.0, x.grad.numpy()[0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 3.0772869034868464e-11 else 1)
