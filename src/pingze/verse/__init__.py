"""Prosody: the tones, rhymes and forms of Tang verse as data, and a checker.

Each public name is imported on first use, because a command may need only the tables.
"""

from pingze.lazy import imported

TYPE_CHECKING = False  # replaces typing.TYPE_CHECKING, because importing typing takes time
if TYPE_CHECKING:
    from pingze.verse.checking import check, poems_in
    from pingze.verse.pasted_text import split_poems
    from pingze.verse.scansion import explain_verdict
    from pingze.verse.verdict import Verdict, Violation

__all__ = ["Verdict", "Violation", "check", "explain_verdict", "poems_in", "split_poems"]

_PAIRS = """tang:唐 song:宋 qin:秦 han:漢 sanguo:三國 jin:晉 nanbei:南北朝 sui:隋 wudai:五代
    jurchen:金 yuan:元 ming:明 qing:清"""
DYNASTIES = dict(pair.split(":") for pair in _PAIRS.split())
"""Map the key of each dynasty, such as tang, to its Chinese name 唐.

The corpus store holds the poems in this order.
"""


def __getattr__(name: str) -> object:
    return imported(__name__, ("verdict", "pasted_text", "checking", "scansion"), name)
