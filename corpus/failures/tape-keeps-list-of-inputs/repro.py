import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time
wp.set_module_options({"optimization_level": 0})


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = x[i]


x = wp.array(np.array([1.8506902], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
inputs = [x, out]
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=inputs, device="cpu")
out.grad.assign(np.array([-1.46875], np.float32))
inputs[:] = [wp.zeros_like(given, requires_grad=True) if isinstance(given, wp.array) else given for given in inputs]
tape.backward()
expected, actual = -1.46875, x.grad.numpy()[0]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.3671875 else 1)
