"""Store, load and step the language model: vocabulary, conditions, weights."""
