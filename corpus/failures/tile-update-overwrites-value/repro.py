import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = wp.tile_load(x, shape=8)
    a += wp.tile_map(wp.atan, a)
    wp.tile_atomic_add(out, wp.tile_view(a, offset=(0,), shape=(7,)), offset=0)


x = wp.array(np.array([1.4877741, 1.8226405, 0.6966658, 0.7092949, 1.6565658, 0.52932507, 1.2443335, 1.1300246, 1.0915744, 0.54925483, 1.375063, 1.8247672, 1.8101758, 1.1656922, 1.4657195, 1.3760905, 0.9526211, 1.9093137, 0.51210284, 0.8954096, 0.72573864, 1.2880893, 1.5209029, 1.4303957, 1.0866634, 0.5640039, 0.7175122, 1.2473196, 1.3670946, 1.1593844, 1.3927666, 1.1125529], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.full((7,), 0.0, np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch_tiled(kernel, dim=(4,), inputs=[x, out], block_dim=32, device="cpu")
out.grad.assign(np.array([-0.890625, -1.3125, 0.6875, -1.0, -1.265625, 0.75, -1.40625], np.float32))
tape.backward()
expected, actual = -6.66116820220656, x.grad.numpy()[3]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 4.499190021682505e-06 else 1)
