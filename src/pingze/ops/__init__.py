"""Fast parts that know nothing of verse: compiled kernels, matrix products, the loss, memory."""
