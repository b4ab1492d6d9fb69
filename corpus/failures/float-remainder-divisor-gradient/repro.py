import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = 1.0 % x[i]


x = wp.array(np.array([0.6229378], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
out.grad.assign(np.array([0.765625], np.float32))
tape.backward()
expected, actual = -0.765625, x.grad.numpy()[0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 1.8254344735191773e-07 else 1)
