r"""Compute the output layer, the cross-entropy, and their gradients in one pass.

For each token, logits = W h + b over V classes and loss = -ln softmax(logits)[target]
= logsumexp(logits) - logits[target]. The gradient of the loss is

    ∂loss/∂logits = softmax(logits) - onehot(target).

On a CPU, the logits of all N tokens, (N, V), would be the largest array of a training step. So the
forward pass computes the logits of only `CHUNK` tokens at a time. It overwrites them with
∂loss/∂logits, from which it computes the gradients of h, W and b (the idea of Liger's
fused_linear_cross_entropy). The loss includes the softmax. If the network applied another softmax
before the loss, training would stall (the report's "Softmax Problem").
"""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from pingze.lstm import kernels
from pingze.lstm.matmul import operand, product

CHUNK = 512
"""The number of tokens whose logits are in memory at a time."""


def cross_entropy_sum(
    hidden: Float[Tensor, "N H"],
    weight: Float[Tensor, "V H"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "N"],
    operands: torch.dtype | None = None,
) -> Float[Tensor, ""]:
    """Compute the sum of -ln p(target) over the tokens, in nats.

    Matrix products have operands of type `operands`.
    """
    if operands is None:
        operands = hidden.dtype
    # The kernel of `_CrossEntropySum` reads only float32 on a CPU.
    if hidden.device.type == "cpu" and hidden.dtype == torch.float32:
        return _CrossEntropySum.apply(  # type: ignore[no-untyped-call]
            hidden, weight, bias, targets, operands
        )
    logits = (hidden.to(operands) @ weight.to(operands).T).to(hidden.dtype) + bias
    return nn.functional.cross_entropy(logits, targets, reduction="sum")


@torch.no_grad()
def token_losses(
    hidden: Float[Tensor, "N H"],
    weight: Float[Tensor, "V H"],
    bias: Float[Tensor, "V"],
    targets: Int64[Tensor, "N"],
) -> Float[Tensor, "N"]:
    """Compute -ln p(target) of each token, in nats, for evaluation."""
    losses = []
    for h, target in zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True):
        logits = torch.addmm(bias, h, weight.T)
        losses.append(nn.functional.cross_entropy(logits, target, reduction="none"))
    return torch.cat(losses)


class _CrossEntropySum(torch.autograd.Function):
    """The sum of -ln p(target), whose gradients the forward pass already computes.

    The backward pass only multiplies them by the gradient with respect to the sum.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Float[Tensor, "N H"],
        weight: Float[Tensor, "V H"],
        bias: Float[Tensor, "V"],
        targets: Int64[Tensor, "N"],
        operands: torch.dtype,
    ) -> Float[Tensor, ""]:
        h_op = operand(hidden, operands)
        W = weight.to(operands)
        loss = hidden.new_zeros(())
        dhidden = torch.empty_like(hidden)
        dweight = torch.zeros_like(weight)
        dbias = torch.zeros_like(bias)
        chunks = zip(h_op.split(CHUNK), dhidden.split(CHUNK), targets.split(CHUNK), strict=True)
        for h, dh, target in chunks:
            # 1) Compute the losses; the kernel overwrites the logits with their gradient. `operand`
            # appended rows of zeros to the last chunk of h, for which there are no targets. The
            # logits of these rows are 0 and stay 0, so the rows add nothing to the gradients.
            token_count = len(target)
            logits = product(h, W.T)
            losses = bias.new_empty(token_count)
            dbias_parts = bias.new_zeros(kernels.BLOCKS, len(bias))
            kernels.softmax_gradient(
                kernels.array(logits[:token_count]),
                kernels.array(bias),
                kernels.array(target),
                kernels.array(losses),
                kernels.array(dbias_parts),
            )
            loss += losses.sum()
            # 2) Compute the gradients of b, h and W.
            dlogits = logits
            dbias += dbias_parts.sum(dim=0)
            dh.copy_(product(dlogits, W)[:token_count])
            dweight += product(dlogits.T, h).to(dweight.dtype)
        ctx.save_for_backward(dhidden, dweight, dbias)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dloss: Float[Tensor, ""]) -> tuple[Tensor | None, ...]:
        dhidden, dweight, dbias = ctx.saved_tensors
        return dhidden * dloss, dweight * dloss, dbias * dloss, None, None
