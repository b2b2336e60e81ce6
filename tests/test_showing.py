import numpy as np

from dlhelpers import activations, bias_variance, network, optimizers, training
from dlhelpers.showing import show_source


def test_docstrings_checks_and_switches_for_warnings_are_left_out():
    code = show_source(bias_variance.decompose, bias_variance.diagnose, optimizers.Adam, network.Network)
    for hidden in ('"""', "check_", "_check", "errstate", "raise"):
        assert not [line for line in code.splitlines() if hidden in line and "def _check" not in line], hidden
    assert "mean = predictions.mean(axis=0)  # (1)" in code


def test_notes_for_type_checkers_are_left_out():
    code = show_source(training.Descent._update)
    assert "is_weight\n" in code and "type: ignore" not in code


def test_what_is_left_is_python_that_gives_the_same():
    names = {"np": np, "FloatArray": np.ndarray}
    exec(show_source(activations.gelu), vars(activations) | names, names)
    Z = np.linspace(-3, 3, 7)
    np.testing.assert_array_equal(names["gelu"](Z), activations.gelu(Z))


def test_several_things_are_shown_one_after_the_other():
    code = show_source(activations.relu, activations.tanh)
    assert code.count("def ") == 2 and code._repr_markdown_().startswith("```python\ndef relu")
