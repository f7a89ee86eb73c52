"""The weights that ship; `pingze.network.checkpoint.load` reads them by name."""
