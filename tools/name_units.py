"""Measure which features single units of the models encode, and write serve/units.json.

    python -m tools.name_units

Each model composes 七律, and its cells are recorded at every token. The R² of a feature for a cell
is the share of the cell's variance that lies between the values of the feature. For each layer and
feature, the three cells with the largest R² are kept if their R² is at least 0.5. Run the script
again when a model's weights change, since the page shows only measurements of the present weights.
"""

import json
from pathlib import Path

import numpy as np

from pingze import Poem, compose
from pingze.arrays import Array
from pingze.composing.composer import Composer, load_composer
from pingze.composing.read_request import read_request
from pingze.composing.sheet import Sheet
from pingze.network import checkpoint
from pingze.network.vocabulary import BOS
from pingze.serve.inside import cells, fingerprint
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.standard import PINGSHUI

FOUND = Path(__file__).parents[1] / "src" / "pingze" / "serve" / "units.json"
POEMS = 150
WIDTH = 7
LINES = 8
BEST = 3
LEAST = 0.5


def main() -> None:
    """Measure each shipped model, and write the units that encode a feature."""
    found = {}
    for name in checkpoint.SHIPPED:
        network = load_composer(name).network
        poems = compose(form="七律", count=POEMS, seed=1, model=name)
        features = {key: np.concatenate(rows) for key, rows in _features(poems).items()}
        recorded = [_record(load_composer(name), poem) for poem in poems]
        units = {}
        for layer in range(network.configuration.layers):
            of_layer = np.concatenate([poem[layer] for poem in recorded])
            units[str(layer + 1)] = best(of_layer, features)
        found[fingerprint(network)] = units
        print(name, json.dumps(units))
    FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _record(chosen: Composer, poem: Poem) -> list[Array]:
    """Return each layer's cells after every token of a poem, marks included."""
    prefix = chosen.prefix(read_request(chosen.vocabulary, Sheet.of(poem)))
    ids = chosen.token_ids(poem.lines)[: LINES * (WIDTH + 1)]
    caches = chosen.network.record(np.concatenate([prefix, [BOS], ids]).astype(np.int64))
    return [cells(layer[len(prefix) + 1 :]) for layer in caches]


def _features(poems: list[Poem]) -> dict[str, list[Array]]:
    """Return, for each feature, its values at the tokens of each poem.

    -1 at a token where it has no value.
    """
    place = np.tile(np.arange(WIDTH + 1), LINES)
    line = np.repeat(np.arange(LINES), WIDTH + 1)
    foot = ((place == WIDTH - 2) & (line % 2 == 1)).astype(int)
    tones = []
    for poem in poems:
        of_lines = [_tones(text) for text in poem.lines]
        tones.append(np.concatenate(of_lines))
    return {
        "place": [place for _ in poems],
        "line": [line for _ in poems],
        "half": [line % 2 for _ in poems],
        "foot": [foot for _ in poems],
        "tone": tones,
    }


def _tones(line: str) -> Array:
    """Return 0 for each level character of a line, 1 for each oblique one, -1 for others and the mark."""
    known = {None: -1, LEVEL: 0}
    tones = [known.get(PINGSHUI.usable_tone(character), 1) for character in line]
    tones.append(-1)
    return np.array(tones)


def best(values: Array, features: dict[str, Array]) -> list[dict[str, object]]:
    """Return the cells with the largest R² for each feature, sorted by R²."""
    found: list[tuple[float, int, str]] = []
    for name, of in features.items():
        shares = explained(values[of >= 0], of[of >= 0])
        surest = [unit for unit in np.argsort(shares)[::-1][:BEST] if shares[unit] >= LEAST]
        found += [(round(float(shares[unit]), 3), int(unit) + 1, name) for unit in surest]
    return [
        {"unit": unit, "knows": name, "share": share}
        for share, unit, name in sorted(found, reverse=True)
    ]


def explained(values: Array, groups: Array) -> Array:
    """Return the R² of each column: the variance between groups over the total variance."""
    values = values.astype(np.float64)
    mean = values.mean(axis=0)
    between = np.zeros(values.shape[1])
    for group in np.unique(groups):
        of_group = values[groups == group]
        between += len(of_group) * (of_group.mean(axis=0) - mean) ** 2
    shares: Array = between / ((values - mean) ** 2).sum(axis=0)
    return shares


if __name__ == "__main__":
    main()
