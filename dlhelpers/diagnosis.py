r"""Diagnosis of a training run: measured numbers, and what each says about the next move.

`record` keeps what a run shows, each small function looks at one fault, and `diagnose_run` calls all of
them.  A finding is reported only when its number is past a threshold; no finding means that none of
these faults was measured, not that the network is as good as it can be.

The thresholds are heuristics.  They were set between the numbers of healthy and of faulty runs of small
networks on moons and digits; the tests train such networks again.  Everything here is for one network,
theta of shape (P,): for network k of a population, pass theta[k].
"""

from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.bias_variance import REMEDIES, diagnose
from dlhelpers.checks import check_array, check_choice, check_integer, check_number, shown
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, Trace
from dlhelpers.norms import norm, power_of_two, root_mean_square
from dlhelpers.parameters import Layout
from dlhelpers.training import Descent, Step
from dlhelpers.typing import FloatArray, IntArray

# Thresholds -----------------------------------------------------------------------------------------

DIVERGED = 10.0
"""A last loss of this many times the first one counts as diverged, also while it is still a number."""

DEAD = 0.85
"""Share of a layer's ReLU units that are 0 for every example.  Networks that fitted had up to 0.81, ones
that no longer learned from 0.88; at 1 nothing passes (Lu et al. 2020, "Dying ReLU and initialization")."""

SATURATED_VALUE = 0.95
"""A tanh beyond +-0.95 passes less than a tenth of the gradient, since 1 - 0.95^2 = 0.0975."""

SATURATED = 0.5
"""Share of a layer's values that are saturated before training.  Healthy starts had up to 0.15, faulty
ones from 0.7.  That saturation at the start slows training is in Glorot & Bengio (2010), section 3."""

GRADIENT_ORDERS = 2.0
"""Orders of magnitude that the gradient gains or loses from the last layer to the first: a factor of 100.
He et al. (2015), section 2.2, and Glorot & Bengio (2010) choose weights that keep this near 0."""

ROUGH = 1 / 3
"""Share of the movement of the loss that goes up.  Good rates had up to 0.2, too high ones from 0.4; at
1/2 the loss has made no progress."""

FLAT = 0.05
"""A loss that stays within this share of its first value is flat: its ups and downs say nothing."""

LATE = 0.125
"""Share of the whole fall of the loss that falls in the last quarter of the run.  A straight line has
0.25; good rates had up to 0.08, too low ones from 0.19."""

FEWEST = 8
"""With fewer losses than this, nothing is said about the learning rate."""

LONG_UPDATE = 0.1
"""Length of the median update over the length of theta.  A rough rule is 0.001 (CS231n notes, "Ratio of
weights:updates"); good runs of ours had 0.0001 to 0.01."""

SHORT_UPDATE = 1e-6
"""If even the longest update is a smaller share of theta than this, the run stood still."""

LARGE_INPUT = 5.0
"""Root mean square of a feature; a normalized one has 1 (LeCun et al. 1998, "Efficient BackProp", 4.3)."""

SMALL_INPUT = 0.05
"""If even the largest feature has a smaller root mean square than this, the inputs are tiny."""

TWINS = 0.5
"""Share of a layer's units that have a twin.  Random weights have none, constant ones have only twins."""

SAME = 1e-6
"""Weights that differ by less than this share of the largest one count as identical."""

STALLED = 0.5
"""A loss that is above this share of its first value has stalled; only then is saturation at the end a
fault: networks that fit well saturate too."""

URGENCY = (
    "diverged",
    "symmetric units",
    "unnormalized inputs",
    "dead units",
    "saturated units",
    "exploding gradients",
    "vanishing gradients",
    "rate too high",
    "rate too low",
    "underfits",
    "overfits",
)
"""The kinds of findings, causes before their consequences: repair the first one, then measure again."""


class Finding(NamedTuple):
    """One fault, and the number that says so.

    Attributes
    ----------
    kind : str
        One of `URGENCY`.
    number : float
        What was measured.
    threshold : float
        What it was compared with, a heuristic.
    text : str
        The number, what it means and the next move.
    """

    kind: str
    number: float
    threshold: float
    text: str


# Recording a run ------------------------------------------------------------------------------------


class Record(NamedTuple):
    """What a run showed at n of its steps; made by `record`.

    Attributes
    ----------
    steps : (n,) int array
        Updates made so far.
    train_losses : (n,) float array
        On one fixed set, without penalties and dropout.  NaN where the gradient was not finite any more.
    dev_losses : (n,) float array or None
    learning_rates : (n,) float array
    update_ratios : (n_ratios,) float array
        Length of an update over the length of theta, for each record that an update followed.
    first_theta, last_theta : (P,) float array
        At the first record, and the last one that was finite.
    statistics : (S,) float array or None
        Running statistics of batch normalization at the end.
    """

    steps: IntArray
    train_losses: FloatArray
    dev_losses: FloatArray | None
    learning_rates: FloatArray
    update_ratios: FloatArray
    first_theta: FloatArray
    last_theta: FloatArray
    statistics: FloatArray | None = None


def update_ratio(before: FloatArray, after: FloatArray) -> float:
    r"""Return the length of an update as a share of the length of theta.

    .. math:: r = \frac{\lVert \theta_{t+1} - \theta_t \rVert_2}{\lVert \theta_t \rVert_2} \tag{1}

    For a plain step the upper length is alpha times that of the direction.  It is infinite when theta was 0
    or the update is.

    Parameters
    ----------
    before, after : (P,) float array

    Raises
    ------
    ValueError
        If they are not such arrays, or differ in length.

    Examples
    --------
    >>> update_ratio(np.array([3.0, 4.0]), np.array([3.0, 3.5]))
    0.1
    """
    check_array("before", before, "(P,)", _ONE)
    check_array("after", after, f"({len(before)},)", "It is theta after the update.")
    unit = power_of_two(np.stack([before, after]))[0]  # their difference may overflow, and their squares
    with np.errstate(all="ignore"):
        moved = float(np.linalg.norm(after / unit - before / unit))
        length = float(np.linalg.norm(before / unit))
    if length == 0 or not np.isfinite(moved):
        return float("inf") if moved else 0.0
    return moved / length  # (1)


def record(run: Descent, steps: int, every: int, train: Batch, dev: Batch | None = None) -> Record:
    """Train, and return what the run showed on the way; it ends early if the run diverges.

    Losses are those of the network, without a penalty or dropout.  With running statistics of batch
    normalization, the dev loss uses them.

    Parameters
    ----------
    run : Descent
        Of one network; it is `steps` steps further afterwards.
    steps : int >= 1
        Updates to make.
    every : int >= 1
        Steps from one record to the next.  About 50 records are enough for a diagnosis.
    train, dev : Batch
        Fixed sets, so that a loss does not jump because its examples changed.

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        If an argument is not as above, or the run has no batch left.

    Examples
    --------
    >>> from itertools import repeat
    >>> from dlhelpers.optimizers import GradientDescent
    >>> from dlhelpers.training import descend
    >>> line = Batch(np.array([[-1.0], [0.0], [1.0]]), np.array([[-2.0], [0.0], [2.0]]))
    >>> run = descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), 0.5)
    >>> record(run, steps=4, every=2, train=line).train_losses.round(3)
    array([1.333, 0.263, 0.052])
    """
    _check_run(run)
    check_integer("steps", steps, "[1, inf)", "It is the number of updates.")
    check_integer("every", every, "[1, inf)", "1 records each step.")
    _check_batch("train", train)
    if dev is not None:
        _check_batch("dev", dev)
    seen: list[Step] = []
    ratios: list[float] = []
    losses: list[tuple[float, float]] = []
    is_followed = False
    for count, step in enumerate(islice(run, steps + 1)):
        if is_followed:
            ratios.append(update_ratio(seen[-1].theta, step.theta))
        is_followed = count % every == 0 or count == steps or bool(step.diverged)
        if is_followed:
            seen.append(step)
            losses.append((_loss(step, train), _loss(step, dev, step.statistics)))
    if not seen:
        raise ValueError("run must have a batch left; got none. Pass batches that do not end.")
    train_losses, dev_losses = np.array(losses).T.copy()
    return Record(
        np.array([step.step for step in seen]),
        train_losses,
        None if dev is None else dev_losses,
        np.array([float(np.mean(step.learning_rate)) for step in seen]),
        np.array(ratios, dtype=float),
        seen[0].theta,
        next((s.theta for s in seen[::-1] if np.isfinite(s.theta).all()), seen[0].theta),
        seen[-1].statistics,
    )


def _loss(step: Step, batch: Batch | None, statistics: FloatArray | None = None) -> float:
    """Return the cost without penalty; NaN without a batch or once the run has diverged."""
    network: Any = getattr(step.objective, "network", step.objective)
    if batch is None or step.diverged:
        return float("nan")
    with np.errstate(all="ignore"):
        more = () if statistics is None else (statistics,)
        return float(network.loss(step.theta, batch, *more))


# One function for each fault ------------------------------------------------------------------------


def divergence(steps: IntArray, losses: FloatArray) -> Finding | None:
    r"""Return a finding if the loss is no longer a number, or has grown to a multiple of the first one.

    .. math:: \text{growth} = J_\text{last} / J_\text{first} \tag{1}

    Parameters
    ----------
    steps : (n,) int array
    losses : (n,) float array
        On the same examples each time.

    Raises
    ------
    ValueError
        If they are not such arrays, or differ in length.

    Examples
    --------
    >>> print(divergence(np.array([0, 10, 20]), np.array([0.7, 5.0, np.nan])).text)
    The loss was no longer a number at step 20: training diverged. Lower the learning rate, to a tenth.
    """
    check_array("losses", losses, "(n,)", _ONE_CURVE)
    check_array("steps", steps, f"({len(losses)},)", "One for each loss.", kind="int")
    move = "training diverged. Lower the learning rate, to a tenth."
    if not np.isfinite(losses).all():
        at = steps[np.argmin(np.isfinite(losses))]
        text = f"The loss was no longer a number at step {at}: {move}"
        return Finding("diverged", float("inf"), DIVERGED, text)
    if not len(losses) or losses[0] <= 0:
        return None
    growth = float(losses[-1]) / float(losses[0])  # (1)
    text = f"The last loss is {growth:.3g} times the first: {move}"
    return Finding("diverged", growth, DIVERGED, text) if growth >= DIVERGED else None


def dead_units(trace: Trace, activations: tuple[str, ...]) -> Finding | None:
    r"""Return a finding if most ReLU units of a layer are 0 for all examples.

    .. math::
        \text{dead}_j &= \bigl[ a_j^{(i)} = 0 \text{ for all } i \bigr] \tag{1} \\
        \text{share} &= \max_l \, \operatorname{mean}_j \text{dead}_j^{[l]} \tag{2}

    Where a is 0, so is the slope of the ReLU: such a unit gets no gradient.

    Parameters
    ----------
    trace : Trace
        `network.trace(theta, batch)` of one network.
    activations : tuple of str
        `network.activations`.

    Raises
    ------
    ValueError
        If the arguments do not fit together; so do all functions that take a trace.

    References
    ----------
    Lu, Shin, Su & Karniadakis (2020), "Dying ReLU and initialization: theory and numerical examples".
    """
    dead = {
        layer: float((A == 0).all(axis=-1).mean())  # (1)
        for layer, (name, A) in enumerate(_hidden(trace, activations), start=1)
        if name == "relu"
    }
    layer, share = max(dead.items(), key=lambda item: item[1], default=(0, 0.0))  # (2)
    text = (
        f"{share:.0%} of the ReLU units of layer {layer} are 0 for every example: they get no gradient. "
        "Lower the learning rate, start the biases at 0, or take leaky ReLU."
    )
    return Finding("dead units", share, DEAD, text) if share >= DEAD else None


def saturation(trace: Trace, activations: tuple[str, ...]) -> Finding | None:
    r"""Return a finding if most values of a tanh or sigmoid layer are at the flat ends.

    .. math::
        u &= \begin{cases} \lvert a \rvert & \text{tanh} \\ \lvert 2a - 1 \rvert & \text{sigmoid} \end{cases}
            \tag{1} \\
        \text{share} &= \max_l \, \operatorname{mean}_{j,i} \bigl[ u_{ji}^{[l]} > 0.95 \bigr] \tag{2}

    A network that has learned its task saturates as well, so this means most before training.

    Parameters
    ----------
    trace : Trace
    activations : tuple of str

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    section 3.
    """
    ends = {
        layer: np.abs(A if name == "tanh" else 2 * A - 1)  # (1)
        for layer, (name, A) in enumerate(_hidden(trace, activations), start=1)
        if name in ("tanh", "sigmoid")
    }
    shares = {layer: float((u > SATURATED_VALUE).mean()) for layer, u in ends.items()}
    layer, share = max(shares.items(), key=lambda item: item[1], default=(0, 0.0))  # (2)
    text = (
        f"{share:.0%} of the values of layer {layer} are saturated, where little gradient passes. "
        "Normalize the inputs, and start from smaller weights, of variance 1 / n_in."
    )
    return Finding("saturated units", share, SATURATED, text) if share >= SATURATED else None


def gradient_slope(trace: Trace) -> Finding | None:
    r"""Return a finding if the gradient grows or shrinks by orders of magnitude on its way back.

    .. math::
        s_l &= \log_{10} \lVert dZ^{[l]} \rVert_2 \tag{1} \\
        \text{slope} &= -\frac{\sum_l (l - \bar l) s_l}{\sum_l (l - \bar l)^2} \tag{2} \\
        \text{orders} &= \text{slope} \cdot (L - 1) \tag{3}

    The slope is the least-squares line, in orders of magnitude per layer toward the first; negative
    means that gradients vanish.  The norm, and not the root mean square, is what weights of variance
    1 / n_in keep (2 / n_in with ReLU) when layers differ in width.  `number` is (3): between -2 and 2
    is no finding.  It means most before training, as a fitted network has larger slopes.

    Parameters
    ----------
    trace : Trace

    References
    ----------
    Glorot & Bengio (2010), section 4.2.1.
    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", section 2.2.
    """
    _check_trace(trace)
    norms = np.array([norm(dZ) for dZ in trace.dZ], dtype=float)
    L = len(norms)
    if L < 2 or norms[-1] == 0:
        return None
    if not np.isfinite(norms).all():
        return _gradient_finding(float("inf"), "The gradient of a layer is no longer a finite number")
    if not norms.all():
        return _gradient_finding(float("-inf"), "The gradient of a layer is exactly 0")
    s = np.log10(norms)  # (1)
    from_mean = np.arange(L) - (L - 1) / 2
    slope = float(-(from_mean @ s) / (from_mean @ from_mean))  # (2)
    orders = slope * (L - 1)  # (3)
    fact = f"The gradient changes by 10^{orders:.1f} from the last layer to the first, 10^{slope:.2f} a layer"
    return _gradient_finding(orders, fact) if abs(orders) >= GRADIENT_ORDERS else None


def _gradient_finding(orders: float, fact: str) -> Finding:
    if orders > 0:
        move = "it explodes. Start from smaller weights, add batch normalization, or clip the gradient."
        return Finding("exploding gradients", orders, GRADIENT_ORDERS, f"{fact}: {move}")
    move = (
        "it vanishes, and the first layers hardly learn. Start from weights of variance 1 / n_in "
        "(2 / n_in for ReLU), take ReLU, or add batch normalization."
    )
    return Finding("vanishing gradients", orders, -GRADIENT_ORDERS, f"{fact}: {move}")


def rate_verdict(losses: FloatArray) -> Finding | None:
    r"""Return a finding if the loss shows that the learning rate is too high or too low.

    With the changes :math:`\Delta_t = J_{t+1} - J_t`, and q at three quarters of the run:

    .. math::
        \text{up} &= \frac{\sum_t \max(0, \Delta_t)}{\sum_t \lvert \Delta_t \rvert} \tag{1} \\
        \text{late} &= \frac{J_q - J_\text{last}}{J_\text{first} - J_\text{last}} \tag{2}

    The rate is too high if up >= 1/3 and the loss is not flat, and too low if late >= 1/8.  A loss that
    still falls at the end also says: train longer.

    Parameters
    ----------
    losses : (n,) float array
        On the same examples each time, at equal distances.  Fewer than 8, or one that is not finite,
        give no finding.

    Raises
    ------
    ValueError
        If `losses` is not such an array.

    Examples
    --------
    >>> rate_verdict(np.array([9.0, 5.0, 8.0, 4.0, 7.0, 3.0, 6.0, 2.0, 5.0])).kind
    'rate too high'
    >>> rate_verdict(np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])).kind
    'rate too low'
    >>> rate_verdict(np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03])) is None
    True
    """
    check_array("losses", losses, "(n,)", _ONE_CURVE)
    if len(losses) < FEWEST or not np.isfinite(losses).all():
        return None
    losses = losses.astype(float) / max(float(np.abs(losses).max()), 1e-300)  # so that nothing overflows
    changes = np.diff(losses)
    moved = float(np.abs(changes).sum())
    if moved == 0:
        return None
    up = float(np.maximum(0, changes).sum()) / moved  # (1)
    if up >= ROUGH:
        return _too_high(up) if np.ptp(losses) >= FLAT * losses[0] else None
    q = 3 * (len(losses) - 1) // 4
    late = float(losses[q] - losses[-1]) / float(losses[0] - losses[-1])  # (2)
    text = (
        f"{late:.0%} of the fall of the loss came in the last quarter of the run: it still falls. "
        "Train longer, or raise the learning rate, to three times."
    )
    return Finding("rate too low", late, LATE, text) if late >= LATE else None


def _too_high(up: float) -> Finding:
    text = (
        f"{up:.0%} of the movement of the loss goes up: it jumps over the valley. "
        "Lower the learning rate, to a third, or let it decay."
    )
    return Finding("rate too high", up, ROUGH, text)


def update_verdict(update_ratios: FloatArray) -> Finding | None:
    """Return a finding if updates are very long or very short beside theta, as `update_ratio` measures.

    The median above 0.1 is too long; the longest below 0.000001 is too short.  What lies between
    says little: ratios of good runs differ by a factor of 100.

    Parameters
    ----------
    update_ratios : (n,) float array >= 0
        An infinite ratio is one from theta = 0.

    Raises
    ------
    ValueError
        If `update_ratios` is not such an array.

    References
    ----------
    CS231n course notes, "Neural networks part 3", "Ratio of weights:updates".

    Examples
    --------
    >>> update_verdict(np.array([0.02, 0.003, 0.001])) is None
    True
    """
    check_array("update_ratios", update_ratios, "(n,)", "One for each recorded update.")
    if not (update_ratios >= 0).all():
        raise ValueError(
            f"update_ratios must be 0 or more; got {update_ratios[~(update_ratios >= 0)][0]}. "
            "Pass lengths of updates over lengths of theta."
        )
    if not len(update_ratios):
        return None
    median, longest = float(np.sort(update_ratios)[len(update_ratios) // 2]), float(update_ratios.max())
    if median >= LONG_UPDATE:
        text = (
            f"The median update is {median:.3g} of the length of theta, where about 0.001 is usual: "
            "theta jumps about. Lower the learning rate, to a tenth."
        )
        return Finding("rate too high", median, LONG_UPDATE, text)
    text = (
        f"The longest update is {longest:.3g} of the length of theta, where about 0.001 is usual: the run "
        "stood still. Raise the learning rate tenfold, unless another finding says why."
    )
    return Finding("rate too low", longest, SHORT_UPDATE, text) if longest < SHORT_UPDATE else None


def fit_verdict(base: float, train: float, dev: float) -> list[Finding]:
    """Return what three errors say: underfits, overfits, both or nothing; see `bias_variance.diagnose`.

    Parameters
    ----------
    base, train, dev : float in [0, 1]
        Errors as fractions; base is the error of a reference, for instance of a person.

    Raises
    ------
    ValueError
        If an error is outside [0, 1].

    Examples
    --------
    >>> [finding.kind for finding in fit_verdict(base=0.0, train=0.01, dev=0.2)]
    ['overfits']
    """
    for name, error in {"base": base, "train": train, "dev": dev}.items():
        _check_share(name, error)
    threshold = 0.05
    found = diagnose(float(base), float(train), float(dev), threshold)
    findings = []
    if found.high_bias:
        text = (
            f"The train error of {train:.1%} is {found.avoidable_bias:.1%} above the base error: the network "
            f"underfits. Try: {', '.join(REMEDIES['high bias'][:2]).lower()}."
        )
        findings.append(Finding("underfits", found.avoidable_bias, threshold, text))
    if found.high_variance:
        text = (
            f"The dev error of {dev:.1%} is {found.variance:.1%} above the train error: the network "
            f"overfits. Try: {', '.join(REMEDIES['high variance'][:2])}."
        )
        findings.append(Finding("overfits", found.variance, threshold, text))
    return findings


def input_scale(X: FloatArray) -> Finding | None:
    r"""Return a finding if a feature is far larger than a normalized one, or all are far smaller.

    .. math::
        r_j &= \sqrt{\operatorname{mean}_i x_{ij}^2} = \sqrt{\mu_j^2 + \sigma_j^2} \tag{1} \\
        \text{size} &= \max_j r_j \tag{2}

    A normalized feature has 1.  One tiny feature among others of a good size is not seen.

    Parameters
    ----------
    X : (m, n_features) float or int array

    Raises
    ------
    ValueError
        If `X` is not such an array, is empty or not finite.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", section 4.3.

    Examples
    --------
    >>> input_scale(np.array([[0.5, 300.0], [-0.5, 300.0]])).number
    300.0
    """
    check_array("X", X, "(m, n_features)", "Examples are rows.", kind="number", finite=True)
    if X.size == 0:
        raise ValueError(f"X must have a row and a column or more; got shape {X.shape}.")
    r = root_mean_square(X.astype(float), axis=0)  # (1)
    size = float(r.max())  # (2)
    if SMALL_INPUT <= size < LARGE_INPUT:
        return None
    which = "The largest feature" if size < SMALL_INPUT else f"Feature {int(r.argmax())}"
    text = (
        f"{which} has a root mean square of {size:.3g}, and a normalized one has 1: the cost is a narrow "
        "valley or a plain. Subtract the mean and divide by the standard deviation of the training set."
    )
    threshold = SMALL_INPUT if size < SMALL_INPUT else LARGE_INPUT
    return Finding("unnormalized inputs", size, threshold, text)


def symmetric_units(layout: Layout, theta: FloatArray) -> Finding | None:
    r"""Return a finding if most units of a hidden layer have another one with the same incoming weights.

    .. math::
        \text{twin}_{jk} &= \bigl[ \max_i \lvert p_{ji} - p_{ki} \rvert
            \le 10^{-6} \max \lvert p \rvert \bigr] \tag{1} \\
        \text{share} &= \operatorname{mean}_j \bigl[ \textstyle\sum_k \text{twin}_{jk} > 1 \bigr] \tag{2}

    p_j are all parameters of unit j, with its bias.  Twins compute the same, and stay alike as long as
    their outgoing weights are alike as well.

    Parameters
    ----------
    layout : Layout
        `network.layout`.
    theta : (P,) float array

    Raises
    ------
    ValueError
        If `layout` is no layout of a network, or theta is not finite or does not fit.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 8.4, on breaking symmetry.
    """
    _check_layout(layout)
    check_array("theta", theta, "(P,)", _ONE, finite=True)
    views = layout.views(theta)
    last = sum(name.startswith("W") for name in views)
    shares = {layer: _share_of_twins(views, layer) for layer in range(1, last)}
    layer, share = max(shares.items(), key=lambda item: item[1], default=(0, 0.0))
    text = (
        f"{share:.0%} of the units of layer {layer} have the same incoming weights as another: they compute "
        "and learn the same. Start from random weights."
    )
    return Finding("symmetric units", share, TWINS, text) if share >= TWINS else None


def _share_of_twins(views: dict[str, FloatArray], layer: int) -> float:
    parts = [views[f"{name}{layer}"] for name in ("W", "b", "gamma", "beta") if f"{name}{layer}" in views]
    p = np.concatenate(parts, axis=1)
    p = p / max(float(np.abs(p).max()), float(np.finfo(p.dtype).tiny))
    twins = [np.abs(p - p_j).max(axis=1) <= SAME for p_j in p]  # (1)
    return float(np.mean([np.sum(twin) > 1 for twin in twins]))  # (2)


# All of them ----------------------------------------------------------------------------------------


def diagnose_run(
    record: Record, network: Network, train: Batch, dev: Batch | None = None, base_error: float = 0.0
) -> list[Finding]:
    """Return all findings about a run, the most urgent first; an empty list if there are none.

    Inputs, symmetry, gradients and saturation are measured before training, dead units after it.
    Twins at the start that training has told apart are no finding.  Saturation after training counts
    only if the loss has stalled and the gradients were in order at the start.  Of a run that diverged,
    only the start is measured.  Errors are those of a classifier; for a squared error nothing is said
    about under- and overfitting.

    Parameters
    ----------
    record : Record
        Of one network.
    network : Network
        Without a penalty.
    train, dev : Batch
        Without `dev`, nothing is said about overfitting.
    base_error : float in [0, 1]
        The error of a reference, for instance of a person.

    Returns
    -------
    list of Finding
        In the order of `URGENCY`.

    Raises
    ------
    ValueError
        If an argument is not as above, or they do not fit together.

    Examples
    --------
    Weights that begin at zero:

    >>> from itertools import repeat
    >>> from dlhelpers.optimizers import GradientDescent
    >>> from dlhelpers.training import descend
    >>> network = Network((1, 4, 1), "tanh")
    >>> line = Batch(np.array([[-1.0], [0.0], [1.0]]), np.array([[-1.0], [1.0], [3.0]]))
    >>> run = descend(network, np.zeros(network.layout.size), repeat(line), GradientDescent(), 0.5)
    >>> found = diagnose_run(record(run, steps=20, every=1, train=line), network, line)
    >>> [finding.kind for finding in found]
    ['symmetric units', 'vanishing gradients']
    """
    _check_record(record)
    if not isinstance(network, Network):
        raise ValueError(f"network must be a Network; got {shown(network)}. Pass Network(sizes).")
    _check_batch("train", train)
    if dev is not None:
        _check_batch("dev", dev)
    _check_share("base_error", base_error)
    plain = replace(network, keep_prob=1.0)  # a trace without dropout
    with np.errstate(all="ignore"):
        diverged = divergence(record.steps, record.train_losses)
        findings = [diverged, *_inside(record, plain, train, diverged is not None)]
        if diverged is None:
            findings += [
                rate_verdict(record.train_losses) or update_verdict(record.update_ratios),
                *_fit(record, plain, train, dev, base_error),
            ]
    found = {finding.kind: finding for finding in findings if finding is not None}
    return [found[kind] for kind in URGENCY if kind in found]


def _inside(record: Record, network: Network, train: Batch, diverged: bool) -> list[Finding | None]:
    """Look into the network before and after training; of a run that diverged, before it only."""
    first_theta, losses = record.first_theta, record.train_losses
    last_theta = first_theta if diverged else record.last_theta
    first, last = network.trace(first_theta, train), network.trace(last_theta, train)
    slope = gradient_slope(first)
    has_stalled = slope is None and bool(losses[-1] > STALLED * losses[0])
    return [
        input_scale(train.X),
        symmetric_units(network.layout, first_theta) and symmetric_units(network.layout, last_theta),
        dead_units(last, network.activations),
        saturation(first, network.activations)
        or (saturation(last, network.activations) if has_stalled else None),
        slope,
    ]


def _fit(
    record: Record, network: Network, train: Batch, dev: Batch | None, base_error: float
) -> list[Finding]:
    if network.loss_name == "squared_error":
        return []
    statistics = record.statistics
    if network.batch_norm is not None and statistics is None:
        statistics = network.batch_statistics(record.last_theta, train)
    train_error, dev_error = (
        float(error_rate(network.predict(record.last_theta, batch.X, statistics), batch.Y))
        for batch in (train, train if dev is None else dev)
    )
    return fit_verdict(base_error, train_error, dev_error)


# Checks ---------------------------------------------------------------------------------------------

_ONE = "Look at one network at a time: for network k of a population, pass theta[k]."
_ONE_CURVE = "Pass np.array(losses), the curve of one network."


def _check_trace(trace: Trace) -> None:
    if not isinstance(trace, Trace):
        raise ValueError(f"trace must be a Trace; got {shown(trace)}. Pass network.trace(theta, batch).")
    for name in ("Z", "A", "dZ"):
        arrays = getattr(trace, name)
        if not isinstance(arrays, tuple) or not arrays:
            raise ValueError(
                f"trace.{name} must be a tuple with an array for each layer; got {shown(arrays)}."
            )
        for array in arrays:
            check_array(f"trace.{name}", array, "(n_l, m)", _ONE)


def _hidden(trace: Trace, activations: tuple[str, ...]) -> list[tuple[str, FloatArray]]:
    """Return name and values of each hidden layer."""
    _check_trace(trace)
    if not isinstance(activations, tuple) or len(activations) != len(trace.A) - 1:
        raise ValueError(
            f"activations must be a tuple with one for each of the {len(trace.A) - 1} hidden layers of "
            f"trace; got {shown(activations)}. Pass network.activations."
        )
    for name in activations:
        check_choice("activations", name, ACTIVATIONS)
    return list(zip(activations, trace.A[:-1], strict=True))


def _check_run(run: Descent) -> None:
    if not isinstance(run, Descent):
        raise ValueError(f"run must be a Descent; got {shown(run)}. Pass descend(network, theta, ...).")
    check_array("theta of run", run.theta, "(P,)", "A population cannot be recorded: train one network.")


def _check_batch(name: str, batch: Batch) -> None:
    if not isinstance(batch, Batch):
        raise ValueError(f"{name} must be a Batch; got {shown(batch)}. Pass Batch(X, Y).")
    check_array(f"{name}.X", batch.X, "(m, n_features)", "Examples are rows.", kind="number", finite=True)
    check_array(f"{name}.Y", batch.Y, "(m, n_out)", "Examples are rows.", kind="number", finite=True)
    if len(batch.X) != len(batch.Y) or len(batch.X) == 0:
        raise ValueError(
            f"{name} must have one row of X for each row of Y, and one or more; got {len(batch.X)} and "
            f"{len(batch.Y)} rows."
        )


def _check_layout(layout: Layout) -> None:
    if not isinstance(layout, Layout) or "W1" not in layout.shapes:
        raise ValueError(f"layout must be the Layout of a network; got {shown(layout)}. Pass network.layout.")


def _check_record(record: Record) -> None:
    if not isinstance(record, Record):
        raise ValueError(f"record must be a Record; got {shown(record)}. Make it with diagnosis.record.")
    check_array("record.train_losses", record.train_losses, "(n,)", _ONE_CURVE)
    check_array("record.steps", record.steps, f"({len(record.train_losses)},)", kind="int")
    if len(record.steps) == 0:
        raise ValueError("record must hold one step or more; got none. Make it with diagnosis.record.")
    for name in ("first_theta", "last_theta"):
        check_array(f"record.{name}", getattr(record, name), "(P,)", _ONE, finite=True)


def _check_share(name: str, value: float) -> None:
    advice = "It is a fraction: for 8% pass 0.08."
    check_number(name, value, "[0, 1]", advice)
    if np.ndim(value):
        raise ValueError(f"{name} must be one number; got an array of shape {np.shape(value)}. {advice}")
