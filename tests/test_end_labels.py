"""Names at the ends of curves do not overlap, and stay inside the axes."""

import numpy as np
import pytest

from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import new_figure

NAMES = [("one", "#000000"), ("two", "#111111"), ("three", "#222222"), ("four", "#333333")]


def heights(ends, scale="linear", limits=(0, 10)):
    ax = new_figure(6, 4).subplots()
    ax.set(yscale=scale, ylim=limits)
    labels = EndLabels(ax, NAMES, gap=0.1)
    labels.place(ends)
    return [text.get_position()[1] for text in labels.texts if text.get_visible()]


def test_names_stand_at_the_ends_where_there_is_room():
    assert heights([1, 9, 5, 3]) == pytest.approx([0.1, 0.9, 0.5, 0.3])
    assert heights([1, 10, 100, 1000], "log", (1, 10000)) == pytest.approx([0, 0.25, 0.5, 0.75])


@pytest.mark.parametrize("ends", [[5, 5, 5, 5], [0, 0, 0.1, 0], [10, 10, 9.9, 50], [-3, 0, 10, 99]])
def test_names_are_kept_apart_inside_the_axes_and_in_order(ends):
    found = heights(ends)
    assert np.all(np.diff(np.sort(found)) >= 0.1 - 1e-9)
    assert min(found) >= -1e-9 and max(found) <= 1 + 1e-9
    order = np.argsort(np.clip(ends, 0, 10), kind="stable")
    assert np.all(np.diff(np.array(found)[order]) > 0)


def test_a_curve_without_an_end_has_no_name():
    assert heights([1, np.nan, np.nan, 3]) == pytest.approx([0.1, 0.3])
    assert heights([np.nan] * 4) == []


def test_names_stand_where_the_curves_end():
    ax = new_figure(6, 4).subplots()
    ax.set(xscale="log", xlim=(1, 100), ylim=(0, 10))
    labels = EndLabels(ax, NAMES, x=1.02)
    labels.place([1, 9, 5, 3], at=10)
    assert [text.get_position()[0] for text in labels.texts] == pytest.approx([0.52] * 4)
    labels.place([1, 9, 5, 3])
    assert [text.get_position()[0] for text in labels.texts] == pytest.approx([1.02] * 4)
