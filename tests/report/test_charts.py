"""Charts where a line explodes or is missing, and those in several panels."""

from pingze.report.charts import Chart, Line, draw, legend


def test_an_exploding_line_does_not_flatten_the_others() -> None:
    lines = [Line("steady", range(3), [9.0, 6.0, 5.0], 0), Line("exploding", range(3), [9.0, 1e34, None], 1)]
    figure = draw(Chart("", "", "", "", lines, y_limits=(None, 10.0)))
    assert figure.axes[0].get_ylim() == (4.75, 10.0)


def test_panels_stand_side_by_side_and_share_a_legend() -> None:
    lines = [
        Line(name, range(2), [1.0, 2.0], colour, panel=panel)
        for panel in ("left", "right", "below")
        for colour, name in enumerate(("tanh", "ReLU"))
    ]
    chart = Chart("", "", "", "", lines)
    shown = [axes for axes in draw(chart).axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["left", "right", "below"]
    assert [label for _, label in legend(chart)] == ["tanh", "ReLU"]


def test_what_diverged_is_a_cross_at_the_top() -> None:
    lines = [Line("", [0.1, 1.0, 10.0], [5.0, 6.0, None], 0, crossed=True)]
    _, crosses = draw(Chart("", "", "", "", lines, x_scale="log")).axes[0].lines
    assert list(crosses.get_xdata()) == [10.0]
