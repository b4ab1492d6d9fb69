import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), y: wp.int32, out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = wp.exp(x[i])
    for n in range(y):
        a -= 1.0
    out[i] = a


x = wp.array(np.array([1.3283054], np.float32), dtype=wp.float32, requires_grad=True)
y = 1
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
out.grad.assign(np.array([0.796875], np.float32))
tape.backward()
expected, actual = 3.0079173019886136, x.grad.numpy()[0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 7.76817561089242e-06 else 1)
