"""A complete setup of invented verse, too small to learn from."""

from lab.report.experiment import BUDGETS, Setup
from tests import invented

TINY = BUDGETS["sketch"] | {
    "embedding_size": 8,
    "hidden_size": 12,
    "dev": 8,
    "poems": 1,
    "shortened": 32,
}


def setup(seed: int = 1, poems: int = 128) -> Setup:
    real = {
        "五絕": [text.replace("，", "。").split("。")[:4] for text in invented.texts(6, seed=2)]
    }
    forms = dict.fromkeys(("五絕", "七絕", "五律", "七律"), real["五絕"])
    return Setup(TINY, seed, invented.texts(poems), invented.texts(12, seed=1, lines=8), forms)
