"""The language model: vocabulary, conditions, weights, and one step of its LSTM."""
