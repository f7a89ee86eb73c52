r"""Output layer and cross-entropy in one pass, with their gradients.

For each token, logits = W h + b over V classes and loss = -ln softmax(logits)[target]
= logsumexp(logits) - logits[target]; its gradient is

    ∂loss/∂logits = softmax(logits) - onehot(target).

N tokens times V classes would be the largest array of the training step. Here it never exists: `CHUNK` tokens at
a time, the logits are made, turned into their gradient in place, and multiplied into the gradients of h, W and b,
all in the forward pass (the idea of Liger's fused_linear_cross_entropy). There is no softmax before this loss:
it holds its own, and a second one stalls training (the report's "Softmax Problem").
"""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

from pingze.lstm import kernels
from pingze.lstm.matmul import operand, product

CHUNK = 512


def cross_entropy_sum(
    hidden: Float[Tensor, "N H"],
    weight: Float[Tensor, "V H"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "N"],
    operands: torch.dtype | None = None,
) -> Float[Tensor, ""]:
    """Sum over the tokens of -ln p(target), in nats; differentiable in hidden, weight and bias.

    `operands` is the type in which the matrix products read their operands (default: that of `hidden`).
    """
    loss: Tensor = _CrossEntropySum.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, targets, operands or hidden.dtype
    )
    return loss


@torch.no_grad()
def token_losses(
    hidden: Float[Tensor, "N H"],
    weight: Float[Tensor, "V H"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "N"],
) -> Float[Tensor, "N"]:
    """-ln p(target) of each token, in nats, for measuring."""
    chunks = zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True)
    return torch.cat([_losses(torch.addmm(bias, h, weight.T), t)[0] for h, t in chunks])


def _losses(
    logits: Float[Tensor, "n V"], targets: Int64[Tensor, "n"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n 1"]]:
    """-ln p of each target, and the logarithm of the normalizer that it was computed with."""
    log_z = logits.logsumexp(dim=1, keepdim=True)
    return (log_z - logits.gather(1, targets[:, None])).squeeze(1), log_z


class _CrossEntropySum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Float[Tensor, "N H"],
        weight: Float[Tensor, "V H"],
        bias: Float[Tensor, "V"],
        targets: Int64[Tensor, "N"],
        operands: torch.dtype,
    ) -> Float[Tensor, ""]:
        h_op, W = operand(hidden, operands), weight.to(operands)
        compiled = hidden.device.type == "cpu" and hidden.dtype == torch.float32
        gradient = _compiled_gradient if compiled else _eager_gradient
        loss = hidden.new_zeros(())
        dhidden, dweight, dbias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        for h, dh, target in zip(h_op.split(CHUNK), dhidden.split(CHUNK), targets.split(CHUNK), strict=True):
            logits = product(h, W.T)
            loss += gradient(logits[: len(target)], bias, target, dbias)
            dh.copy_(product(logits, W)[: len(target)])
            dweight += product(logits.T, h).to(dweight.dtype)
        ctx.save_for_backward(dhidden, dweight, dbias)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dloss: Float[Tensor, ""]) -> tuple[Tensor | None, ...]:
        dhidden, dweight, dbias = ctx.saved_tensors
        return dhidden * dloss, dweight * dloss, dbias * dloss, None, None


def _eager_gradient(
    logits: Float[Tensor, "n V"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "n"],
    dbias: Float[Tensor, "V"],
) -> Float[Tensor, ""]:
    """The loss of a chunk; turns its logits, bias not yet added, into their gradient, and adds that to dbias."""
    biased = logits.to(bias.dtype) + bias
    losses, log_z = _losses(biased, targets)
    dlogits = biased.sub_(log_z).exp_()
    dlogits[torch.arange(len(targets)), targets] -= 1
    dbias += dlogits.sum(dim=0)
    logits.copy_(dlogits)
    return losses.sum()


def _compiled_gradient(
    logits: Float[Tensor, "n V"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "n"],
    dbias: Float[Tensor, "V"],
) -> Float[Tensor, ""]:
    """The same in one pass, for float32 on a CPU."""
    losses, partial = bias.new_empty(len(targets)), bias.new_zeros(kernels.BLOCKS, len(bias))
    arrays = map(kernels.array, (logits, bias, targets, losses, partial))
    kernels.softmax_gradient(*arrays)
    dbias += partial.sum(dim=0)
    return losses.sum()
