"""The report's derivation of the LSTM, line by line as printed: read, measured, pictured."""
