"""Store, load and step the language model: vocabulary, conditions, weights."""

SHIPPED = ("report", "tang")
"""Names of the models that come with the package."""
DEFAULT = "tang"
"""The model of commands that name none."""
