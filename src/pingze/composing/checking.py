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

    If no form is given, the poem's shape, tones and rhyme decide the form: `verse.checking.check`
    says how. A sheet has its own form, level and standard. The blanks of a sheet are no faults, and
    its verdict, a SheetVerdict, says which templates and rhymes are still possible, and what each
    blank wants.

    Args:
        text: The poem as a person writes it, or a sheet; title, author and remarks in brackets are
            ignored.
        form: The form 體 to judge the poem by, such as 七律, 浣溪沙 or 對聯; by default the
            function finds it.
        level: customary accepts what Tang poets accepted; strict accepts only what the manuals
            allow. Append +RULE to enforce a further rule, or -RULE to drop one: 孤平, 小拗, 三仄尾
            or 鄰韻; -本句自救 or -對句相救 rejects a rescue.
        standard: How characters are read: by pingshui 平水韻, or in Mandarin by tongyun 中華通韻 or
            xinyun 中華新韻.
        fine: Whether to add the remarks of later manuals on regulated verse: 撞韻, 擠韻, 冒韻,
            四字目孤平.

    Raises InputError when `text` is neither, or when `form`, `level` or `standard` is unknown.
    """
    if isinstance(text, str):
        return checking.check(text, form=form, level=level, standard=standard, fine=fine)
    from pingze.composing.judging import judge  # loads NumPy
    from pingze.composing.sheet import Sheet

    if not isinstance(text, Sheet):
        raise wrong_type("text", text, "text or a Sheet")
    return judge(text)
