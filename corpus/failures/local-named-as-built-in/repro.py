import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.struct
class Radius:
    shade: wp.vec2
    ratio: wp.vec3


@wp.kernel
def eval_forces(ratio: wp.array(dtype=Radius), trace: wp.array(dtype=Radius)):
    i = wp.tid()
    load = ratio[i]
    load.ratio = wp.vec3(1.0, 1.0, wp.norm_l2(load.shade))
    trace[i].ratio = load.ratio


try:
    ratio_shade = wp.array(np.array([[1.8027343, 1.6750311]], np.float32), dtype=wp.vec2, requires_grad=True)
    ratio_ratio = wp.array(np.array([[1.5349462, 0.94332093, 1.2572163]], np.float32), dtype=wp.vec3, requires_grad=True)
    trace_shade = wp.array(np.array([[1.6876483, 0.9588949]], np.float32), dtype=wp.vec2, requires_grad=True)
    trace_ratio = wp.array(np.array([[-0.0, 0.0, 0.0]], np.float32), dtype=wp.vec3, requires_grad=True)
    ratio = wp.array(np.zeros((1,), Radius.numpy_dtype()), dtype=Radius, requires_grad=True)
    ratio.numpy()["shade"] = ratio_shade.numpy()
    ratio.numpy()["ratio"] = ratio_ratio.numpy()
    trace = wp.array(np.zeros((1,), Radius.numpy_dtype()), dtype=Radius, requires_grad=True)
    trace.numpy()["shade"] = trace_shade.numpy()
    trace.numpy()["ratio"] = trace_ratio.numpy()
    wp.launch(eval_forces, dim=(1,), inputs=[ratio, trace], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
