"""From a request to masks: which characters may stand at a place."""
