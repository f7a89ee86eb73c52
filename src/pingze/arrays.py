"""The type of every NumPy array; jaxtyping gives its shape, as in `Float[Array, "B H"]`."""

import numpy as np

Array = np.ndarray
