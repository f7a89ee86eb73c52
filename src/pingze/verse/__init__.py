"""Prosody: the tones, rhymes and forms of Tang verse as data, and a checker."""

_PAIRS = """tang:唐 song:宋 qin:秦 han:漢 sanguo:三國 jin:晉 nanbei:南北朝 sui:隋 wudai:五代
    jurchen:金 yuan:元 ming:明 qing:清"""
DYNASTIES = dict(pair.split(":") for pair in _PAIRS.split())
"""Map the key of each dynasty, such as tang, to its Chinese name 唐.

The corpus store holds the poems in this order.
"""
