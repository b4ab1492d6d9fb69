import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.vec2), out: wp.array(dtype=wp.vec2)):
    i = wp.tid()
    a = x[i]
    a.x -= 1.0
    out[i] = a


x = wp.array(np.array([[1.0723283, 0.5470249]], np.float32), dtype=wp.vec2, requires_grad=True)
out = wp.array(np.array([[0.0, 0.0]], np.float32), dtype=wp.vec2, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
out.grad.assign(np.array([[1.390625, -0.953125]], np.float32))
tape.backward()
expected, actual = 1.390625, x.grad.numpy()[0, 0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 3.3155699955525117e-07 else 1)
