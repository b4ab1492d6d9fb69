import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.func
def power(beta: wp.float32, source: wp.float32):
    return source, beta


@wp.kernel
def apply_particles(t: wp.array(dtype=wp.float32), profile: wp.array(dtype=wp.float32)):
    i = wp.tid()
    mass = power(t[i], 1.0)
    profile[i] = mass[1]


t = wp.array(np.array([-0.8534026, 0.53098446, -0.5777517, 0.26572973, -0.14249024, 0.8433159, 0.45416576, 0.0030711263, -0.696471], np.float32), dtype=wp.float32, requires_grad=True)
profile = wp.array(np.array([-1.5752548, -2.5588858, 2.3972917, 1.1526644, 0.5176105, 2.38742, 2.124603, 0.25384316, -1.7505387], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(apply_particles, dim=(9,), inputs=[t, profile], device="cpu")
profile.grad.assign(np.array([-0.53125, -1.328125, -1.109375, 1.4375, 0.71875, -0.765625, -0.6875, 0.9375, 0.859375], np.float32))
tape.backward()
expected, actual = 1.4375, t.grad.numpy()[3]
print(f"gradient of t: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 3.4273230694958174e-07 else 1)
