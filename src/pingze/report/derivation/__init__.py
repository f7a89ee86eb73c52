"""Read the report's derivation of the LSTM line by line as printed, measure and picture it."""
