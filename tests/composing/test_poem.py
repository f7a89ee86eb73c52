"""A poem as a value, and as a notebook shows it."""

from pingze.composing import Poem

LINES = ["春水連山遠", "江雲落日風"]


def poem(title: str | None = None) -> Poem:
    return Poem("五絕", None, "東", title, None, 1, "tang", list(LINES), -20.0)


def test_a_notebook_shows_it_upright_with_its_marks() -> None:
    shown = poem("<江>")._repr_html_()
    assert "vertical-rl" in shown
    assert "春水連山遠，江雲落日風。" in shown
    assert "&lt;江&gt;" in shown
