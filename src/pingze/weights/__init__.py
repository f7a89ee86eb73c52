"""The weights that ship; `pingze.checkpoint.load` reads them by name."""
