import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time
wp.set_module_options({"optimization_level": 0})


@wp.kernel
def kernel(x: wp.indexedarray(dtype=wp.float32, ndim=2), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = x[i, 0]


try:
    x_data = wp.array(np.array([[1.7494248]], np.float32), dtype=wp.float32, requires_grad=False)
    x_index0 = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=False)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    x = wp.indexedarray(x_data, [x_index0, None])
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([-0.8125], np.float32))
    tape.backward()
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
