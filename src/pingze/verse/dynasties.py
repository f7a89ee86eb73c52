"""The dynasties whose verse the corpus may hold."""

DYNASTIES = {
    "tang": "唐",
    "song": "宋",
    "qin": "秦",
    "han": "漢",
    "sanguo": "三國",
    "jin": "晉",
    "nanbei": "南北朝",
    "sui": "隋",
    "wudai": "五代",
    "jurchen": "金",
    "yuan": "元",
    "ming": "明",
    "qing": "清",
}
"""The dynasties and their Chinese names, in the order of their poems in the store."""
