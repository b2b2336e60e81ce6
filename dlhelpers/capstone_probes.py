"""Eight ways to look at a training script, each a real computation with a price in epochs.

A probe sees the script as it stands and measures one thing.  `PROBES` has them by a short key, the cheap
ones first; `probe` runs one.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import repeat
from typing import NamedTuple

import numpy as np

from dlhelpers.capstone import BATCH_SIZE, EPOCHS, SIZES, STEPS_PER_EPOCH, Script, check_script
from dlhelpers.capstone_runs import Setup, answers, measure, schedule, set_up, train
from dlhelpers.checks import check_choice, check_integer
from dlhelpers.gradient_checking import numerical_gradient, relative_error
from dlhelpers.minibatches import Batch
from dlhelpers.norms import root_mean_square
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

GUESSING = float(np.log(SIZES[-1]))
"""The loss of equal probabilities: log K."""
FACTORS = 10.0 ** np.arange(-2, 3)
"""Of the learning rate, in the sweep."""
CHECKED, AGREE = 40, 1e-6
"""Components of each array that the gradient check looks at; below this relative error they agree."""
OVERFIT_EPOCHS, SHUFFLED_EPOCHS, SWEEP_EPOCHS = 2, 5, 2


class Reading(NamedTuple):
    """What a probe measured.

    Attributes
    ----------
    probe : str
        Key of `PROBES`.
    number : float
        The one number that it stands for; `Probe.measures` says which.
    numbers : dict from str to float
        All of them, by name.
    words : str
        A sentence.
    """

    probe: str
    number: float
    numbers: dict[str, float]
    words: str


class Probe(NamedTuple):
    """A way to look.

    Attributes
    ----------
    name, measures : str
        What it does, and which number it reads.
    price : int
        In epochs.
    look : function of (script, seed) to Reading
    """

    name: str
    measures: str
    price: int
    look: Callable[[Script, int], Reading]


def _start(script: Script, seed: int) -> Reading:
    setup = set_up(script, seed)
    loss, _ = measure(script, setup.network, setup.theta, setup.train, np.random.default_rng([seed, 3]))
    words = f"The loss before training is {loss:.2f}; guessing among ten has log 10 = {GUESSING:.2f}."
    return Reading("start", loss, {"loss": loss, "log K": GUESSING}, words)


def _statistics(script: Script, seed: int) -> Reading:
    setup = set_up(script, seed, keep_prob=1.0)
    trace = setup.network.trace(setup.theta, setup.train)
    x, z1, z2 = (float(root_mean_square(each)) for each in (setup.train.X, *trace.Z))
    dead = float((trace.A[0] == 0).all(axis=1).mean())
    words = (
        f"Root mean squares at the start: inputs {x:.2g}, Z of layer 1 {z1:.2g}, logits {z2:.2g}. "
        f"{dead:.0%} of the hidden units are 0 for every example."
    )
    return Reading("statistics", z1, {"inputs": x, "Z1": z1, "logits": z2, "dead": dead}, words)


def _twice(script: Script, seed: int) -> Reading:
    setup, rng = set_up(script, seed), np.random.default_rng([seed, 4])
    first, second = (
        answers(script, setup.network, setup.theta, setup.train.X, rng).argmax(axis=1) for _ in range(2)
    )
    share = float((first != second).mean())
    words = (
        f"Asked twice about the same digits before training, the network changes {share:.0%} of its answers."
    )
    return Reading("twice", share, {"changed": share}, words)


def _gradient(script: Script, seed: int) -> Reading:
    setup = set_up(script, seed, keep_prob=1.0)
    few = Batch(setup.train.X[:BATCH_SIZE], setup.train.Y[:BATCH_SIZE])
    theta, layout = setup.theta, setup.network.layout
    rng, analytic = np.random.default_rng([seed, 6]), setup.objective.gradient(setup.theta, few)
    errors = {}
    for name, part in layout.slices.items():
        inside = np.arange(theta.size)[part]
        chosen = rng.permutation(inside)[:CHECKED]
        numerical = numerical_gradient(partial(_loss_at, setup, few, chosen), theta[chosen], 1e-5)
        errors[name] = relative_error(analytic[chosen], numerical)
    wrong, worst = [name for name, error in errors.items() if error >= AGREE], max(errors.values())
    if wrong:
        words = (
            f"Gradient and differences of the cost do not agree in {' and '.join(wrong)}: error {worst:.1g}."
        )
    elif not np.any(analytic[layout.is_weight]):
        words = "Gradient and differences agree. But the gradient of every weight is 0."
    else:
        words = "Gradient and differences of the cost agree in all arrays."
    return Reading("gradient", worst, errors, words)


def _loss_at(setup: Setup, few: Batch, chosen: IntArray, values: FloatArray) -> FloatArray:
    """Return the cost with these values at the chosen places of theta."""
    theta = np.broadcast_to(setup.theta, (*values.shape[:-1], setup.theta.size)).copy()
    theta[..., chosen] = values
    return np.asarray(setup.objective.loss(theta, few))


def _overfit(script: Script, seed: int) -> Reading:
    setup = set_up(script, seed, keep_prob=1.0)
    few = Batch(setup.train.X[:BATCH_SIZE], setup.train.Y[:BATCH_SIZE])
    steps = OVERFIT_EPOCHS * STEPS_PER_EPOCH
    run = descend(setup.objective, setup.theta, repeat(few), GradientDescent(), schedule(script), steps=steps)
    *_, last = run
    loss = _finite(setup.network.loss(last.theta, few))
    text = f"a loss of {loss:.2g}" if np.isfinite(loss) else "no finite loss"
    words = f"Trained on the same 32 digits for {steps} steps, without dropout, it ends with {text}."
    return Reading("overfit", loss, {"loss": loss}, words)


def _sweep(script: Script, seed: int) -> Reading:
    setup, rate = set_up(script, seed), schedule(script)
    population = np.tile(setup.theta, (len(FACTORS), 1))
    batches, steps = setup.batches(setup.train), SWEEP_EPOCHS * STEPS_PER_EPOCH
    run = descend(
        setup.objective,
        population,
        batches,
        GradientDescent(),
        lambda step: rate(step) * FACTORS[:, np.newaxis],
        steps=steps,
    )
    *_, last = run
    losses = [_finite(loss) for loss in setup.network.loss(last.theta, setup.train)]
    best = float(FACTORS[int(np.argmin(losses))])
    numbers = {f"loss at {factor:g}": loss for factor, loss in zip(FACTORS, losses, strict=True)}
    words = f"Of five rates, α times 0.01 to 100, α times {best:g} has the lowest loss: {min(losses):.2f}."
    if min(losses) > 0.98 * GUESSING:
        words = "With each of five rates, α times 0.01 to 100, the loss stays that of guessing."
    return Reading("sweep", best, {"best": best, "lowest": min(losses), **numbers}, words)


def _shuffled(script: Script, seed: int) -> Reading:
    setup = set_up(script, seed)
    order = np.random.default_rng([seed, 5]).permutation(len(setup.train.Y))
    own, other = (_loss_after(script, seed, Y) for Y in (setup.train.Y, setup.train.Y[order]))
    words = f"Train loss after {SHUFFLED_EPOCHS} epochs: {_two(own)}; with shuffled labels {_two(other)}."
    ratio = own / other if np.isfinite(own) and np.isfinite(other) else 1.0
    return Reading("shuffled", ratio, {"own": own, "shuffled": other, "ratio": ratio}, words)


def _loss_after(script: Script, seed: int, Y: FloatArray) -> float:
    """Train on these labels, and return the loss on them, without dropout."""
    setup = set_up(script, seed)
    examples = Batch(setup.train.X, Y)
    steps = SHUFFLED_EPOCHS * STEPS_PER_EPOCH
    run = descend(
        setup.objective,
        setup.theta,
        setup.batches(examples),
        GradientDescent(),
        schedule(script),
        steps=steps,
    )
    *_, last = run
    return _finite(setup.network.loss(last.theta, examples))


def _curve(script: Script, seed: int) -> Reading:
    run = train(script, seed)
    (train_error, dev_error), losses = run.errors[-1], run.losses[:, 0]
    lowest = int(np.nanargmin(losses))
    rise = _finite(losses[-1]) / float(losses[lowest])
    epochs = len(losses) - 1
    words = f"After {epochs} epochs: train error {train_error:.1%}, dev error {dev_error:.1%}. "
    if run.diverged:
        words += f"The run diverged there; the train loss was lowest after epoch {lowest}."
    elif rise > 2:
        words += f"The train loss was lowest after epoch {lowest} and has risen since."
    else:
        words += f"The train loss is {losses[-1]:.2g}."
    numbers = {"train error": float(train_error), "dev error": float(dev_error), "rise": rise}
    return Reading("curve", float(dev_error), {**numbers, "lowest after": float(lowest)}, words)


def _finite(loss: float | FloatArray) -> float:
    """Return a loss; infinity where training has diverged."""
    return float(loss) if np.isfinite(loss) else float("inf")


def _two(loss: float) -> str:
    return f"{loss:.2g}" if np.isfinite(loss) else "no number"


PROBES: Mapping[str, Probe] = {
    "start": Probe("Loss at the start", "train loss before training", 1, _start),
    "statistics": Probe("Statistics by layer", "root mean square of Z in layer 1", 1, _statistics),
    "twice": Probe("Ask twice", "share of answers that change", 1, _twice),
    "gradient": Probe("Gradient check", "relative error", 2, _gradient),
    "overfit": Probe("Overfit 32", "loss on one batch of 32", OVERFIT_EPOCHS, _overfit),
    "sweep": Probe("Rate sweep", "best factor of the rate", SWEEP_EPOCHS * len(FACTORS), _sweep),
    "shuffled": Probe(
        "Shuffled labels", "train loss over that with shuffled labels", 2 * SHUFFLED_EPOCHS, _shuffled
    ),
    "curve": Probe("Learning curve", "dev error after 20 epochs", EPOCHS, _curve),
}
"""All probes by a short key, the cheap ones first."""


@lru_cache(maxsize=256)
def _look(name: str, script: Script, seed: int) -> Reading:
    with np.errstate(all="ignore"):
        return PROBES[name].look(script, seed)


def probe(name: str, script: Script, seed: int) -> Reading:
    """Look at a script; what was looked at before is remembered.

    Parameters
    ----------
    name : str
        A key of `PROBES`.
    script : Script
    seed : int >= 0
        Of the patient.

    Returns
    -------
    Reading

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.capstone import HEALTHY
    >>> probe("start", HEALTHY, 0).number < 4
    True
    """
    check_choice("name", name, PROBES)
    check_script(script)
    check_integer("seed", seed, "[0, inf)", "It is the patient's.")
    return _look(name, script, int(seed))
