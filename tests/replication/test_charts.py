"""Charts where a line explodes."""

from pingze.replication.charts import Chart, Line, draw


def test_an_exploding_line_does_not_flatten_the_others() -> None:
    lines = [Line("steady", range(3), [9.0, 6.0, 5.0], 0), Line("exploding", range(3), [9.0, 1e34, None], 1)]
    figure = draw(Chart("", "", "", "", lines, y_limits=(None, 10.0)))
    assert figure.axes[0].get_ylim() == (4.75, 10.0)
