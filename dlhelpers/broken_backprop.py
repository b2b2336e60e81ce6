"""Backpropagation with one bug: the real source of the course with one term changed.

Each bug is one replacement in the text of one module.  The changed text is run as it stands, so what a
gradient check then finds is what it would find if somebody had typed that line.
"""

import importlib
import inspect
from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

from dlhelpers.checks import check_choice, check_integer
from dlhelpers.showing import Code, show_source

NOTHING = "nothing that this check can find"
"""The answer when gradient and cost agree, whatever else may be wrong."""


class Bug(NamedTuple):
    """One replacement in the source.

    Attributes
    ----------
    name : str
        What is wrong, in a few words.
    where : str
        The function that holds it: "network.Network._backward"; "" for no bug at all.
    right, wrong : str
        The text that stands there once, and what the bug makes of it.
    why : str
        What a gradient check shows, and why.
    found : bool
        Whether a gradient check can find it.
    needs : str
        The parts that must be on, so that the check sees it; "" if it sees it always.
    """

    name: str
    where: str
    right: str
    wrong: str
    why: str
    found: bool = True
    needs: str = ""

    @property
    def answer(self) -> str:
        """What a reader of the check can say at best: the name, or `NOTHING`."""
        return self.name if self.found else NOTHING

    @property
    def right_line(self) -> str:
        """The whole line in which the bug will stand; "" for no bug at all."""
        return _line_with(self.right, right_source(self.name))

    @property
    def wrong_line(self) -> str:
        """The whole line with the bug in it; "" for no bug at all."""
        return _line_with(self.wrong, broken_source(self.name))


def _line_with(text: str, source: str) -> str:
    return next((line.strip() for line in source.splitlines() if text in line), "")


BACKWARD, PENALTY = "network.Network._backward", "regularization.l2"
NORMALIZING = "batch_normalization.backward"

_ALL = (
    Bug(
        "db is a mean over the examples, not a sum",
        BACKWARD,
        "dZ.sum(axis=-1, keepdims=True, out=",
        "dZ.mean(axis=-1, keepdims=True, out=",
        "Only the biases differ, in every layer, with each part switched off too: their line (5) is read by "
        "nothing else. The factor 1/m is in dZ already.",
    ),
    Bug(
        "dropout: the mask is missing on the way back",
        BACKWARD,
        "dA = np.multiply(dA, below.mask, out=dA)  # (7)",
        "dA = np.multiply(dA, 1 / self.keep_probs[layer - 2], out=dA)  # (7)",
        "The last layer agrees, all layers below differ: the error enters at dA and flows back. At "
        "keep_prob = 1 it is gone, because then every factor of the mask is 1.",
        needs="dropout",
    ),
    Bug(
        "L2: the gradient forgets the penalty",
        "regularization.Regularized.gradient",
        "return gradient + sum(penalty.gradient for penalty in self._penalties(theta))",
        "return gradient",
        "Only the weights differ, and the less the smaller λ is: the penalty has no bias in it. At λ = 0 "
        "all is well.",
        needs="the penalty",
    ),
    Bug(
        "(6): W is not transposed",
        BACKWARD,
        'W_T = parameters[f"W{layer}"].swapaxes(-1, -2)',
        'W_T = parameters[f"W{layer}"]',
        "The last layer agrees, all below differ, whatever is switched off. Layers of equal width hide it: "
        "the shapes fit. Make all widths different, and NumPy finds this bug for you.",
    ),
    Bug(
        "1/m is missing in the gradient of the loss",
        "losses.squared_error_gradient",
        "return (Z - Y) / Z.shape[-1]",
        "return Z - Y",
        "Every array differs by the same factor m, so all errors are alike, (m - 1)/(m + 1) without a "
        "penalty. What is wrong everywhere is wrong where the backward pass begins.",
    ),
    Bug(
        "Adam: t is one too large",
        "optimizers.Adam.update",
        "v_hat = v / _weight_sum(self.beta1, t) if",
        "v_hat = v / _weight_sum(self.beta1, t + 1) if",
        "There was a bug, though: Adam's bias correction counted t one too large. The check compares the "
        "gradient with J. Adam comes after both, so no gradient check can see it.",
        found=False,
    ),
    Bug(
        "activation: the slope is missing",
        BACKWARD,
        "dZ = np.multiply(dA, slope, out=dA)  # (8)",
        "dZ = dA  # (8)",
        "The last layer agrees, because it has no activation function; all below differ. With linear units "
        "the slope is 1, and the error is gone.",
        needs="tanh",
    ),
    Bug(
        "batch norm: gamma and beta get each other's gradient",
        NORMALIZING,
        "return Gradients(dZ, dgamma, dbeta)",
        "return Gradients(dZ, dbeta, dgamma)",
        "Only gamma and beta differ. The two have the same shape, so nothing else complains.",
        needs="batch norm",
    ),
    Bug(
        "L2: the gradient shrinks the biases too",
        PENALTY,
        "gradient = strength / m * weights  # (2)",
        "gradient = strength / m * theta  # (2)",
        "All that is no weight differs, if λ > 0: the cost leaves the biases out. At the start the biases "
        "are 0, and so is their penalty: the check sees it only after some training. (gamma starts at 1 and "
        "shows it at once.)",
        needs="the penalty and some training",
    ),
    Bug(
        "activation: the slope is taken at Z, not at A",
        BACKWARD,
        "slope = g_prime(below.Z, below.A, out=",
        "slope = g_prime(below.A, below.Z, out=",
        "The last layer agrees, all below differ: 1 - Z² stands in place of 1 - A². ReLU hides it, because "
        "Z and A are positive in the same places; linear units hide it too.",
        needs="tanh",
    ),
    Bug(
        "no bug at all",
        "",
        "",
        "",
        "This time the code was not changed.",
        found=False,
    ),
    Bug(
        "(4): dW is transposed",
        BACKWARD,
        'np.matmul(dZ, A_in.swapaxes(-1, -2), out=d[f"W{layer}"])  # (4)',
        'np.matmul(A_in, dZ.swapaxes(-1, -2), out=d[f"W{layer}"])  # (4)',
        "The biases agree, the weights differ, all but the diagonals: a transposed matrix keeps its "
        "diagonal. Layers of equal width hide it from NumPy.",
    ),
    Bug(
        "batch norm: the path through the mean is missing",
        NORMALIZING,
        "dZ = (dZ_norm - through_mean - through_variance) /",
        "dZ = (dZ_norm - through_variance) /",
        "The last layer and the gamma and beta before it agree; W2 and all below differ: the error arises "
        "where dZ leaves batch normalization. Without batch norm the line is not run, and nothing can be "
        "seen.",
        needs="batch norm",
    ),
    Bug(
        "dropout: the kept units are not divided by p",
        "dropout.keep_mask",
        "return D / np.asarray(keep_prob, dtype)  # (2)",
        "return D  # (2)",
        "There was a bug, though: the mask is not divided by keep_prob. Forward and backward pass use the "
        "same mask, so the gradient is right for a cost that is wrong. The check asks whether the two agree, "
        "not whether J is what you wanted.",
        found=False,
    ),
    Bug(
        "(4): 1/m a second time, in dW",
        BACKWARD,
        'np.matmul(dZ, A_in.swapaxes(-1, -2), out=d[f"W{layer}"])  # (4)',
        'np.matmul(dZ, A_in.swapaxes(-1, -2) / A_in.shape[-1], out=d[f"W{layer}"])  # (4)',
        "The biases agree, the weights differ, in every layer, and at λ = 0 by the same (m - 1)/(m + 1): dZ "
        "has the 1/m already.",
    ),
)

BUGS: Mapping[str, Bug] = {bug.name: bug for bug in _ALL}
"""All bugs by name, in the order of the cases."""
ANSWERS = (*sorted(bug.name for bug in _ALL if bug.found), NOTHING)
"""What one can say about a case."""


def case(number: int) -> Bug:
    """Return the bug of a case; after the last bug the first one comes again.

    Parameters
    ----------
    number : int >= 0

    Returns
    -------
    Bug

    Raises
    ------
    ValueError
        If `number` is something else.
    """
    check_integer("number", number, "[0, inf)", "Every whole number is a case.")
    return _ALL[number % len(_ALL)]


def right_source(name: str) -> Code:
    """Return the source of the function in which a bug will stand, as it should be.

    Arguments and errors as in `with_bug`.
    """
    *_, where = _checked(name).where.partition(".")
    if not where:
        return Code("")
    thing: Any = importlib.import_module(f"dlhelpers.{BUGS[name].where.partition('.')[0]}")
    for part in where.split("."):
        thing = getattr(thing, part)
    return show_source(thing)


def broken_source(name: str) -> Code:
    """Return the source of the function in which the bug stands.

    Arguments and errors as in `with_bug`.
    """
    bug = _checked(name)
    return Code(right_source(name).replace(bug.right, bug.wrong)) if bug.where else right_source(name)


class Parts(NamedTuple):
    """The classes of the course, with one bug in the code behind them."""

    Network: Any
    Regularized: Any
    Adam: Any


@lru_cache(maxsize=16)
def _parts(name: str) -> Parts:
    module = BUGS[name].where.partition(".")[0]
    copies: dict[str, ModuleType] = {}
    for each in dict.fromkeys((*_BELOW.intersection({module}), "network", "regularization", "optimizers")):
        copies[each] = _copy(each, BUGS[name] if each == module else None, copies)
    return Parts(copies["network"].Network, copies["regularization"].Regularized, copies["optimizers"].Adam)


_BELOW = {"losses", "batch_normalization", "dropout"}
"""Modules that the network calls."""


def with_bug(name: str) -> Parts:
    """Return the classes that behave as the source with this bug does.

    Parameters
    ----------
    name : str
        A key of `BUGS`.

    Returns
    -------
    Parts

    Raises
    ------
    ValueError
        If there is no bug of this `name`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlhelpers.gradient_checking import check_gradient
    >>> from dlhelpers.minibatches import Batch
    >>> rng = np.random.default_rng(0)
    >>> network = with_bug("db is a mean over the examples, not a sum").Network((2, 3, 1))
    >>> batch = Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    >>> check = check_gradient(network, network.initialize(rng), batch)
    >>> [name for name, error in check.by_name.items() if error > 1e-6]
    ['b1', 'b2']
    """
    return _parts(_checked(name).name)


def _checked(name: str) -> Bug:
    check_choice("name", name, BUGS, "Take one from BUGS, or case(number).name.")
    return BUGS[name]


def _copy(name: str, bug: Bug | None, copies: Mapping[str, ModuleType]) -> ModuleType:
    """Return a module made from its source, with the bug, that calls the copies made so far."""
    original = importlib.import_module(f"dlhelpers.{name}")
    source = inspect.getsource(original)
    if bug is not None:
        source = source.replace(bug.right, bug.wrong)
    module = ModuleType(original.__name__)
    exec(compile(source, f"<{name} with a bug>", "exec"), vars(module))
    for each, copy in copies.items():
        before = importlib.import_module(f"dlhelpers.{each}")
        for key, value in list(vars(module).items()):
            if value is before:
                setattr(module, key, copy)
            elif getattr(before, key, None) is value and _acts(key, value):
                setattr(module, key, getattr(copy, key))
    return module


def _acts(key: str, value: Any) -> bool:
    """Return whether a name stands for something that computes: a function, a table of them, the network.

    Settings and records stay the ones that everybody else makes.
    """
    return inspect.isfunction(value) or isinstance(value, Mapping) or key == "Network"
