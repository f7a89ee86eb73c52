"""All units of a layer, and what may come next: held to the network's own records and to a plain softmax."""

import base64

import numpy as np
import pytest

from pingze.composing.composer import composer
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.serve.gates import inside
from pingze.serve.schemas.requests import GivenPoem, InsideRequest, NextRequest, UnitsRequest
from pingze.serve.units import Packed, fingerprint, likely, measured, units

LINES = ["春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅"]
POEM = GivenPoem(lines=LINES)
MODEL = "report"


def values(packed: Packed, tokens: int) -> np.ndarray:
    numbers = np.frombuffer(base64.b64decode(packed.numbers), "<i2")
    return packed.scale * numbers.reshape(tokens, -1)


@pytest.mark.parametrize("unit", [1, 7, 512])
def test_every_unit_is_what_it_is_alone(unit: int) -> None:
    found = units(UnitsRequest(poem=POEM, model=MODEL))
    alone = inside(InsideRequest(poem=POEM, unit=unit, model=MODEL))
    assert list(found.tokens) == list(alone.tokens)
    assert found.surprise == pytest.approx(alone.surprise)
    for name, expected in (
        ("i", alone.gates.i),
        ("f", alone.gates.f),
        ("o", alone.gates.o),
        ("candidate", alone.gates.candidate),
        ("cell", alone.cell),
        ("hidden", alone.hidden),
    ):
        packed = getattr(found, name)
        column = values(packed, len(found.tokens))[:, unit - 1]
        np.testing.assert_allclose(column, expected, atol=packed.scale, err_msg=name)


def test_what_was_measured_is_told_of_the_very_weights_only() -> None:
    shipped = {fingerprint(composer(name).network) for name in checkpoint.SHIPPED}
    assert set(measured()) <= shipped, "scripts/name_units.py is to be run again"
    for layers in measured().values():
        assert all(0.5 <= known.share <= 1 for found in layers.values() for known in found)
        assert all(found == sorted(found, key=lambda known: -known.share) for found in layers.values())


def test_at_each_temperature_probabilities_are_those_of_a_softmax() -> None:
    found = likely(NextRequest(poem=POEM, line=2, position=3, limit=5, model=MODEL))
    chosen = composer(MODEL)
    row = chosen.score(LINES)[0][8].astype(float)
    best = np.argsort(row)[::-1][:5]
    assert [each.character for each in found.characters] == [chosen.vocabulary.tokens[id_] for id_ in best]
    for temperature, log_sum, choices in zip(found.temperatures, found.log_sums, found.choices, strict=True):
        p = np.exp(row / temperature)
        p /= p.sum()
        ours = [np.exp(each.log_probability / temperature - log_sum) for each in found.characters]
        np.testing.assert_allclose(ours, p[best], rtol=1e-6)
        assert choices == pytest.approx(np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()), rel=1e-6)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="layer is 9"):
        units(UnitsRequest(poem=POEM, layer=9, model=MODEL))
    with pytest.raises(InputError, match="line is 5; there are 4"):
        likely(NextRequest(poem=POEM, line=5, model=MODEL))
