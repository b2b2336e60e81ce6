"""A network that is changed in the middle of its training: other hidden layers, a weight set by hand."""

import re
from typing import Any

import numpy as np

from dlhelpers.checks import check_number, check_rng, shown
from dlhelpers.initialization import Initializer
from dlhelpers.network import Network
from dlhelpers.parameters import Layout
from dlhelpers.regularization import Regularized
from dlhelpers.stream import Stream
from dlhelpers.training import Descent
from dlhelpers.typing import FloatArray

_WEIGHT = re.compile(r"(W\d)\[(\d{1,3}),(\d{1,3})\]")


def is_weight_name(name: object) -> bool:
    """Tell whether something has the form of a weight's name, such as "W2[3,1]"."""
    return isinstance(name, str) and bool(_WEIGHT.fullmatch(name))


def check_weight(layout: Layout, name: str, value: Any) -> None:
    """Raise ValueError unless `layout` has a weight of this name and `value` is a number for it."""
    if not isinstance(layout, Layout):
        raise ValueError(f"layout must be a Layout; got {shown(layout)}. Pass network.layout.")
    found = _WEIGHT.fullmatch(name) if isinstance(name, str) else None
    shape = layout.shapes.get(found[1]) if found else None
    if not found or shape is None or int(found[2]) >= shape[0] or int(found[3]) >= shape[1]:
        sizes = ", ".join(f"{each} {shape}" for each, shape in layout.shapes.items() if each[0] == "W")
        raise ValueError(
            f"name must be that of a weight, row and column from 0, such as 'W1[0,1]'; got {shown(name)}. "
            f"This network has the shapes {sizes}."
        )
    check_number("value", value, "[-1e6, 1e6]", "It is the new weight.", fits=())


def set_weight(run: Descent, name: str, value: float) -> None:
    """Set one weight of a run; the update that follows begins with it, once its step is taken `again`.

    Parameters
    ----------
    run : Descent
    name : str
        For instance "W2[3,1]": from unit 1 of layer 1 to unit 3 of layer 2, both counted from 0.
    value : float in [-1e6, 1e6]

    Raises
    ------
    ValueError
        If the network has no such weight, or the value is outside of its range.
    """
    layout = _network_of("run", run).layout
    check_weight(layout, name, value)
    found = _WEIGHT.fullmatch(name)
    assert found is not None
    theta = run.theta.copy()
    layout.views(theta)[found[1]][int(found[2]), int(found[3])] = value
    run.theta = theta


def resize(
    run: Descent,
    batches: Stream,
    objective: Network | Regularized,
    rng: np.random.Generator,
    initializer: str | Initializer | None = None,
) -> None:
    r"""Let a run go on with other hidden layers, and keep every weight that both networks have.

    Hidden layers go with each other by their number, and the last layer with the last.  A new unit
    begins with random weights on its way in and with zeros on its way out, and a new layer passes on
    what it gets, bent by its activation: so the answers change little or not at all at first.  The
    optimizer begins with a fresh state.  Take the step `again` afterwards.

    Parameters
    ----------
    run : Descent
        Of a `Network`, or of one with a penalty.
    batches : Stream
        What it trains on.
    objective : Network or Regularized
        What it goes on with: as many inputs and outputs as before, and batch normalization if there was.
    rng : numpy.random.Generator
    initializer : optional
        Of new weights, as in `Network.initialize`.

    Raises
    ------
    ValueError
        If an argument is something else, or the two networks do not go with each other.

    References
    ----------
    Chen, Goodfellow & Shlens (2016), "Net2Net: accelerating learning via knowledge transfer".
    """
    old, new = _network_of("run", run), _network_of("objective", objective)
    if not isinstance(batches, Stream):
        raise ValueError(f"batches must be the Stream of the run; got {shown(batches)}.")
    check_rng(rng)
    kept = [(each.sizes[0], each.sizes[-1], each.batch_norm is None) for each in (old, new)]
    if kept[0] != kept[1]:
        raise ValueError(
            f"objective must have the inputs, outputs and batch normalization of the run's network, "
            f"{old.sizes}; got {new.sizes}. Only the hidden layers may differ."
        )
    theta = new.initialize(rng, None, initializer)
    last = len(old.sizes) - 1, len(new.sizes) - 1
    _carry_over(old.layout.views(run.theta), new.layout.views(theta), *last)
    if run.statistics is not None:
        statistics = new.initial_statistics()
        parts = old.statistics_layout.views(run.statistics), new.statistics_layout.views(statistics)
        _carry_over(*parts, *last)
        run.statistics = statistics
    run.objective, run.theta, run.state = objective, theta, run.optimizer.init(theta)
    batches.sizes = new.sizes


def _carry_over(old: dict[str, FloatArray], new: dict[str, FloatArray], last_old: int, last_new: int) -> None:
    """Copy into `new` what `old` has at the same place, layer by layer."""
    for name, values in new.items():
        kind, layer = name.rstrip("0123456789"), int(re.sub(r"\D", "", name))
        source = last_old if layer == last_new else layer
        if layer != last_new and layer >= last_old:  # a hidden layer that is new
            if kind == "W":
                passed = min(values.shape)
                values[:passed] = np.eye(passed, values.shape[1])
            continue
        origin = old[f"{kind}{source}"]
        rows, columns = np.minimum(origin.shape, values.shape)
        values[:rows, :columns] = origin[:rows, :columns]
        if kind == "W":
            values[:rows, columns:] = 0  # on the way out of new units


def _network_of(name: str, owner: Any) -> Network:
    """Return the network of a run or of an objective."""
    objective = getattr(owner, "objective", owner)
    network = getattr(objective, "network", objective)
    if not isinstance(network, Network) or (name == "run" and not isinstance(owner, Descent)):
        wanted = "a run of descend on a Network" if name == "run" else "a Network or a Regularized"
        raise ValueError(f"{name} must be {wanted}; got {shown(owner)}.")
    return network
