"""Read the report's derivation of the LSTM as printed, measure every line, and draw how gradients flow back in time."""
