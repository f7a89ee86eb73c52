"""A look inside a model: held to whole Jacobians, the network's own records and a plain softmax."""

import base64

import numpy as np
import pytest

from pingze.composing.composer import load_composer
from pingze.errors import InputError
from pingze.lstm.formulas import sequence_forward
from pingze.lstm.initializers import initialize
from pingze.lstm.jacobians import back_through_time
from pingze.network import checkpoint
from pingze.network.vocabulary import BOS
from pingze.serve.inside import fingerprint, gradient_norms, measured, next_, reach, units
from pingze.serve.schemas import GivenPoem, NextRequest, ReachRequest, UnitsRequest

LINES = ["春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅"]
POEM = GivenPoem(lines=LINES)
MODEL = "report"


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_reach_is_the_norm_of_the_joint_product(steps: int) -> None:
    rng, E, H = np.random.default_rng(0), 5, 7
    parameters = initialize("normal", E, H, rng)
    x = rng.standard_normal((steps, 1, E)).astype(np.float32)
    zeros = np.zeros((1, H), np.float32)
    _, caches = sequence_forward(x, zeros, zeros, parameters)
    whole = list(back_through_time(caches[1:])) if steps > 1 else []
    expected = [1.0, *(np.linalg.norm(products.whole) / np.sqrt(H) for products in whole)][::-1]
    assert gradient_norms(caches) == pytest.approx(expected, rel=1e-5)


def test_every_unit_is_the_network_s_own_record() -> None:
    found, chosen = units(UnitsRequest(poem=POEM, model=MODEL)), load_composer(MODEL)
    caches = chosen.network.record(np.array([BOS, *chosen.token_ids(LINES)]))[0][1:]
    assert "".join(found.tokens).startswith("春山入遠鐘，落")
    assert found.surprise == pytest.approx((-chosen.score(LINES)[1]).tolist(), rel=1e-4)
    gates = {"i": "i", "f": "f", "o": "o", "candidate": "c_tilde"}
    expected = {name: [getattr(c.gates, gate) for c in caches] for name, gate in gates.items()}
    for name, rows in {**expected, "hidden": [c.gates.o * c.phi_c for c in caches]}.items():
        values, packed = np.concatenate(rows), getattr(found, name)
        numbers = np.frombuffer(base64.b64decode(packed.numbers), "<i2").reshape(values.shape)
        np.testing.assert_allclose(packed.scale * numbers, values, atol=packed.scale, err_msg=name)


def test_what_was_measured_is_told_of_the_very_weights_only() -> None:
    shipped = {fingerprint(load_composer(name).network) for name in checkpoint.SHIPPED}
    assert set(measured()) <= shipped, "tools/name_units.py is to be run again"
    for layers in measured().values():
        assert all(0.5 <= known.share <= 1 for found in layers.values() for known in found)
        assert all(
            found == sorted(found, key=lambda known: -known.share) for found in layers.values()
        )


def test_at_each_temperature_probabilities_are_those_of_a_softmax() -> None:
    found = next_(NextRequest(poem=POEM, line=2, position=3, limit=5, model=MODEL))
    chosen = load_composer(MODEL)
    row = chosen.score(LINES)[0][8].astype(float)
    best = np.argsort(row)[::-1][:5]
    assert [each.character for each in found.characters] == [
        chosen.vocabulary.tokens[id_] for id_ in best
    ]
    for temperature, log_sum, choices in zip(
        found.temperatures, found.log_sums, found.choices, strict=True
    ):
        p = np.exp(row / temperature)
        p /= p.sum()
        ours = [np.exp(each.log_probability / temperature - log_sum) for each in found.characters]
        np.testing.assert_allclose(ours, p[best], rtol=1e-6)
        assert choices == pytest.approx(np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()), rel=1e-6)


def test_what_is_not_there_is_refused() -> None:
    for answer, request, said in (
        (units, UnitsRequest(poem=POEM, layer=9, model=MODEL), "layer is 9"),
        (next_, NextRequest(poem=POEM, line=5, model=MODEL), "line is 5; there are 4"),
        (reach, ReachRequest(poem=POEM, position=7, model=MODEL), "position is 7; there are 5"),
    ):
        with pytest.raises(InputError, match=said):
            answer(request)
