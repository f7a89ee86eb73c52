"""Why a request cannot be met: a request comes in, a smallest set of its constraints that clash goes out."""

from pingze.composing.constraints import Constraints
from pingze.composing.copying import Copying
from pingze.composing.deadline import check_deadline
from pingze.composing.inclusion import Inclusion
from pingze.composing.lexicon import Lexicon
from pingze.composing.request import Request
from pingze.errors import Clash


def is_possible(lexicon: Lexicon, request: Request, copying: Copying | None = None) -> bool:
    """Whether some poem keeps the whole request; of originality only that what is fixed does not break it."""
    return Inclusion(Constraints(lexicon, request, copying=copying)).is_possible


def clashing(lexicon: Lexicon, request: Request, copying: Copying | None = None) -> list[Clash]:
    """Constraints of an impossible request that clash, none of which is needless: without any one it is possible.

    What can be given up while the request stays impossible is given up, one after the other; the rest is the clash.
    """
    kept: list[Clash] = []
    while part := next(((c, r) for c, r in request.without_each_part() if c not in kept), None):
        check_deadline()
        clash, smaller = part
        if is_possible(lexicon, smaller, copying):
            kept.append(clash)
        else:
            request = smaller
    return kept
