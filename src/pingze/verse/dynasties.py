"""List the dynasties whose verse the corpus may contain."""

_PAIRS = """tang:唐 song:宋 qin:秦 han:漢 sanguo:三國 jin:晉 nanbei:南北朝 sui:隋 wudai:五代
    jurchen:金 yuan:元 ming:明 qing:清"""
DYNASTIES = dict(pair.split(":") for pair in _PAIRS.split())
"""Each dynasty's Chinese name, in the order in which the store holds the poems."""
