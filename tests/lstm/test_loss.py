"""The compiled loss against PyTorch's cross_entropy."""

import pytest
import torch

from pingze.lstm.loss import cross_entropy_sum, token_losses
from tests.comparing import assert_close


def case(N: int, H: int, V: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    torch.manual_seed(N)
    shapes = {"hidden": (N, H), "weight": (V, H), "bias": (V,)}
    tensors = {name: torch.randn(shape).requires_grad_() for name, shape in shapes.items()}
    return tensors, torch.randint(V, (N,))


@pytest.mark.parametrize(("operands", "tolerance"), [(None, 2e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize(("N", "H", "V"), [(1, 1, 1), (7, 3, 2), (512, 5, 63), (513, 7, 11), (1100, 2, 500)])
def test_loss_and_gradients(N: int, H: int, V: int, operands: torch.dtype | None, tolerance: float) -> None:
    """Compiled in float32 against PyTorch's in float64."""
    tensors, targets = case(N, H, V)
    exact = {name: tensor.detach().double().requires_grad_() for name, tensor in tensors.items()}
    results = []
    for given, type_ in ((tensors, operands), (exact, None)):
        loss = cross_entropy_sum(*given.values(), targets, type_)
        gradients = torch.autograd.grad(3 * loss, list(given.values()))
        results.append({"loss": loss.detach()} | dict(zip(given, gradients, strict=True)))
    assert_close(*results, tolerance)
    assert token_losses(*exact.values(), targets).sum().item() == pytest.approx(results[1]["loss"].item())
    with torch.no_grad():
        tensors["weight"][0] = torch.nan
    assert cross_entropy_sum(*tensors.values(), targets, operands).isnan(), "one that diverged is not hidden"


def test_large_logits_do_not_overflow() -> None:
    hidden, weight, bias = torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2)
    targets = torch.tensor([1])
    assert token_losses(hidden, weight, bias, targets).tolist() == [2e4]
    assert cross_entropy_sum(hidden, weight, bias, targets).item() == 2e4
