import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def width_left(
    x0: wp.float32,
    y0: wp.array(dtype=wp.float32),
    left: wp.array(dtype=wp.uint16),
    state: wp.array(dtype=wp.vec3),
    j: wp.array(dtype=wp.vec2),
    diff: wp.array(dtype=wp.float32),
):
    shift = wp.tid()
    row = wp.normalize(wp.vec3(y0[shift], y0[shift], x0))
    omega = not (x0 >= 0.9 or left[shift] > wp.uint16(2))
    row[0] -= row.x
    if not x0 >= 6.0:
        row -= state[shift]
        row += wp.vec3(x0 if x0 < -0.5 else row[2])
    diff[shift] = wp.norm_huber(j[shift], wp.max(y0[shift], 0.25)) - row.x + (1.0 if omega else 0.0)


x0 = 1.2442628
y0 = wp.array(np.array([0.76019806, 0.90818864, 1.682654, -1.3873718, 1.7759254, -1.5663427, 1.7114549, -0.18062241], np.float32), dtype=wp.float32, requires_grad=True)
left = wp.array(np.array([4, 0, 0, 0, 0, 0, 0], np.uint16), dtype=wp.uint16, requires_grad=True)
state = wp.array(np.array([[0.33119646, 1.2322292, 0.6157291], [2.8381157, 1.8009088, 0.954512], [1.8763182, 0.5892587, 1.8100562], [1.0029557, 0.81164753, 0.32780474], [0.62647754, 0.65168273, 2.020095], [2.6282034, 1.2773699, 2.2326627], [1.1982664, 2.5050008, 1.8272123]], np.float32), dtype=wp.vec3, requires_grad=True)
j = wp.array(np.array([[0.31667766, -0.23258905], [-0.5181963, -0.87421143], [0.53698766, -0.8789348], [-0.055931024, 0.8382897], [-0.73477536, -0.73005986], [-0.15783504, -0.32837453], [0.27720383, -0.5653447], [-0.45651674, 0.14129634], [0.54610753, -0.7863449], [0.483949, 0.77112967]], np.float32), dtype=wp.vec2, requires_grad=True)
diff = wp.array(np.array([-0.5901883, -1.6286179, 1.5794901, -0.9463055, 2.146526, -1.5053657, -1.5540797], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(width_left, dim=(7,), inputs=[x0, y0, left, state, j, diff], device="cpu")
diff.grad.assign(np.array([1.40625, -0.765625, 0.65625, 0.71875, -1.421875, 0.546875, 0.59375], np.float32))
tape.backward()
expected, actual = 0.5983058859698749, y0.grad.numpy()[0]
print(f"gradient of y0: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 1.2041339004334774e-06 else 1)
