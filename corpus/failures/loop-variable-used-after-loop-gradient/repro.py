import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def sample_state(limit: wp.int32, a: wp.array(dtype=wp.float32), blend: wp.array(dtype=wp.float32)):
    ty = wp.tid()
    for zone in range(limit):
        alpha = a[zone]
    blend[ty] = alpha


limit = 2
a = wp.array(np.array([1.8201644, -0.46387684], np.float32), dtype=wp.float32, requires_grad=True)
blend = wp.array(np.array([0.0, 0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(sample_state, dim=(1,), inputs=[limit, a, blend], device="cpu")
blend.grad.assign(np.array([-1.40625, 0.875], np.float32))
tape.backward()
expected, actual = -1.40625, a.grad.numpy()[1]
print(f"gradient of a: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 3.3528565943405754e-07 else 1)
