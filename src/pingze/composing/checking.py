"""Check a text or a sheet; a text is checked without loading what composing needs."""

from typing import TYPE_CHECKING

from pingze.errors import wrong_type
from pingze.verse import checking
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Verdict

if TYPE_CHECKING:
    from pingze.composing.sheet import Sheet


def check(
    text: "str | Sheet",
    *,
    form: str | None = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    fine: bool = False,
) -> Verdict:
    """Check one poem against the given form, or a sheet as far as it is written.

    A sheet has its own form, level and standard. The blanks of a sheet are no faults. The verdict
    on a sheet with blanks is a SheetVerdict, which says which templates and rhymes are still
    possible, and what each blank wants.

    Args:
        text: The poem as a person writes it, or a sheet.
        form, level, standard, fine: As in `pingze.verse.checking.check`.

    Raises InputError when `text` is neither text nor a sheet, or when `form`, `level` or `standard`
    is unknown.
    """
    if isinstance(text, str):
        return checking.check(text, form=form, level=level, standard=standard, fine=fine)
    from pingze.composing.judging import judge  # loads NumPy
    from pingze.composing.sheet import Sheet

    if not isinstance(text, Sheet):
        raise wrong_type("text", text, "text or a Sheet")
    return judge(text)
