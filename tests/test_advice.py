"""What an error message advises is tried: the call that it was about fails, and then, as advised, works.

A row names a call of `tests.valid_calls` with one argument replaced by a wrong value, words of the advice,
and the value that it advises: itself, or a function of the wrong one.
"""

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from dlhelpers import (
    bias_variance,
    calibration,
    datasets,
    diagnosis,
    dropout,
    experiments,
    initialization,
    normalization,
)
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.capstone import HEALTHY
from dlhelpers.capstone_runs import set_up
from dlhelpers.capstone_visits import admit, finish, look, score
from dlhelpers.columns import read_examples
from dlhelpers.early_stopping import ridge
from dlhelpers.gradient_checking import check_gradient, numerical_gradient
from dlhelpers.losses import LOSSES
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import l2
from dlhelpers.saving import load_network, save_network
from dlhelpers.schedules import Constant, Cosine, WarmUp
from dlhelpers.search_spaces import Choice, LogUniform, Uniform, grid, random_settings
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.tables import decode, read_table
from dlhelpers.training import descend
from dlhelpers.trials import Trial, load_trials, save_trials
from tests.valid_calls import calls

CORE = Path(__file__).resolve().parent.parent / "dlhelpers"


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return calls(tmp_path_factory.mktemp("files"))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


X, Y = rng().normal(size=(5, 2)), rng().normal(size=(5, 1))
PATIENT = set_up(HEALTHY, 0)
BATCH, NETWORK = Batch(X, Y), Network((2, 3, 1))
NORMED = Network((2, 3, 1), batch_norm=BatchNormalization())
THETA, THETA_NORMED = NETWORK.initialize(rng()), NORMED.initialize(rng())
CLASSES = Network((2, 3, 2), "tanh", "softmax_cross_entropy")
CLASSES_BATCH = Batch(rng().normal(size=(8, 2)), np.eye(2)[[0, 1] * 4])
TRACE = CLASSES.trace(CLASSES.initialize(rng()), CLASSES_BATCH)
RUN = descend(CLASSES, CLASSES.initialize(rng()), repeat(CLASSES_BATCH), Adam(), 0.1)
IMAGES = rng().random((30, 4))
SPLIT = datasets.split(IMAGES, np.arange(30) % 3, dev=5, test=5, rng=rng())
ORDER = experiments.neighbor_order(IMAGES)
MASKS = dropout.all_masks(3)


def turned(value: Any) -> Any:
    return value.T


# (call, argument, wrong value, words of the advice, advised value or function of the wrong one)
Row = tuple[str, str, Any, str, Any]
ROWS: list[Row] = [
    ("capstone.repaired", "script", "few", "Pass spoiled(faults), or HEALTHY", HEALTHY),
    ("capstone.spoiled", "faults", "few", "For one, write ('few',)", lambda name: (name,)),
    ("capstone_runs.answers", "network", None, "Pass set_up(script, seed).network", PATIENT.network),
    ("capstone_runs.Setup.batches", "train", None, "Pass setup.train", PATIENT.train),
    ("reports.report", "data", "", "Pass a few words", "200 moons"),
    ("activations.tanh", "out", np.zeros(7), "Leave it out for a new array", None),
    (
        "augmentation.augmented_minibatches",
        "strengths",
        3,
        "Pass one mapping for each network",
        [{}, {"degrees": 10.0}],
    ),
    ("augmentation.add_noise", "X", np.ones((5, 16), int), "Pass X.astype(float)", lambda X: X.astype(float)),
    ("augmentation.rotate", "X", np.ones((4, 4), int), "Pass images as rows of floats", np.ones((2, 16))),
    ("augmentation.rotate", "X", np.ones((2, 65)), "Pass X as (m, 64)", np.ones((2, 64))),
    ("averages.update", "v", [1.0], "Pass a number or a float array", np.array([1.0])),
    ("calibration.reliability", "correct", np.ones(20), "Pass predicted == labeled", lambda ones: ones == 1),
    (
        "calibration.reliability",
        "confidence",
        np.full((20, 2), 0.5),
        "Pass answers(probabilities, Y).confidence",
        lambda probabilities: calibration.answers(probabilities, probabilities).confidence,
    ),
    ("curvature.sharpness", "direction", np.zeros(3), "Start with random numbers", rng().normal(size=3)),
    (
        "batch_normalization.forward",
        "Z",
        np.ones((3, 1)),
        "Use larger batches (columns of Z)",
        np.ones((3, 2)),
    ),
    ("bias_variance.select_best", "luck", 3, "Pass draw_luck(...)", bias_variance.draw_luck(3, 5, 4, rng())),
    ("bias_variance.decompose", "predictions", 1.0, "Pass a row for each fit", np.ones((3, 5))),
    ("bias_variance.decompose", "truth", np.ones(3), "Pass a value for each test point", np.ones(5)),
    (
        "bias_variance.polynomial_fits",
        "x",
        np.ones(5),
        "Pass a row for each training set",
        np.linspace(-1, 1, 15).reshape(3, 5),
    ),
    ("bias_variance.polynomial_fits", "y", np.ones(5), "Pass a value for each x", np.ones((3, 5))),
    ("bias_variance.polynomial_fits", "degree", 5, "a lower degree", 4),
    (
        "bias_variance.polynomial_fits",
        "x",
        np.ones((3, 5)),
        "Use other training points",
        np.linspace(-1, 1, 15).reshape(3, 5),
    ),
    (
        "bias_variance.polynomial_fits",
        "x",
        np.linspace(-2, 2, 15).reshape(3, 5),
        "Scale x, and x_test with it",
        lambda x: x / 2,
    ),
    ("broken_backprop.with_bug", "name", "x", "Take one from BUGS", "no bug at all"),
    ("dropout.participation_ratio", "values", np.array(2.0), "Flatten a matrix first", np.ravel),
    ("experiments.neighbor_order", "X", IMAGES * 1e20, "Scale the features first", lambda X: X / 1e20),
    (
        "sharing.from_text",
        "text",
        "m=20 hidden=2 | @3",
        "Copy the whole line",
        "playground | m=20 hidden=2 | @3",
    ),
    ("tables.read_table", "source", "\n", "Write a row for each example", "a,b\n1,2\n3,4\n"),
    (
        "tables.read_table",
        "source",
        "12\n34\n56\n",
        "Separate them by commas, semicolons or tabs",
        "1,2\n3,4\n5,6\n",
    ),
    (
        "optimizers.Momentum",
        "beta",
        np.array([0.5, 0.9]),
        "Pass one value for each network",
        lambda beta: beta[:, None],
    ),
    (
        "network.Network.predict",
        "X",
        np.ones((5, 2), np.float16),
        "X.astype(np.float32)",
        lambda X: X.astype(np.float32),
    ),
    (
        "network.Network.predict",
        "X",
        np.full((5, 2), np.nan),
        "Remove such rows, or fill them in",
        np.nan_to_num,
    ),
    (
        "datasets.moons",
        "rng",
        0,
        "numpy.random.default_rng(0): the number is the seed",
        np.random.default_rng,
    ),
    ("datasets.blobs", "classes", 3, "Leave out classes", None),
    ("datasets.blobs", "centers", [1.0, 2.0], "Pass one row for each class", [[-1, 0], [1, 0]]),
    ("datasets.noisy_function", "function", 3, "pass for example lambda x: x**2", lambda _: lambda x: x**2),
    ("datasets.noisy_function", "function", sum, "Use NumPy operations", lambda _: lambda x: np.square(x)),
    ("datasets.split", "y", np.array([0] * 29 + [1]), "merge classes", lambda y: np.zeros_like(y)),
    (
        "datasets.split",
        "y",
        np.array(["a", 1] * 15, dtype=object),
        "np.array(y).astype(str)",
        lambda y: np.array(y).astype(str),
    ),
    ("datasets.split", "dev", 29, "Make one of them smaller", 10),
    ("datasets.split", "dev", "x", "pass dev=0.2; for none, pass dev=0", 0.2),
    ("datasets.split", "dev", "x", "pass dev=0.2; for none, pass dev=0", 0),
    ("datasets.split", "dev", 20.0, "For 20 percent, pass dev=0.2", 0.2),
    ("datasets.split", "dev", 20.0, "for 20 examples, pass the int dev=20", 20),
    ("datasets.split", "dev", 31, "pass a float: dev=0.2", 0.2),
    ("datasets.one_hot", "n_classes", 0, "For labels 0 to 9, pass 10", 10),
    (
        "datasets.blobs",
        "centers",
        [[1, 0], [1]],
        "Give all rows the same number of columns",
        [[1, 0], [1, 1]],
    ),
    (
        "diagnosis.rate_verdict",
        "losses",
        np.ones((9, 2)),
        "Pass np.array(losses), the curve of one network",
        lambda losses: losses[:, 0],
    ),
    (
        "diagnosis.record",
        "run",
        descend(CLASSES, CLASSES.initialize(rng()), iter([]), Adam(), 0.1),
        "Pass batches that do not end",
        RUN,
    ),
    (
        "diagnosis.update_verdict",
        "update_ratios",
        np.array([-1.0]),
        "Pass lengths of updates over lengths of theta",
        np.abs,
    ),
    ("diagnosis.diagnose_run", "network", 3, "Pass Network(sizes)", CLASSES),
    ("diagnosis.gradient_slope", "trace", 3, "Pass network.trace(theta, batch)", TRACE),
    (
        "diagnosis.dead_units",
        "activations",
        ("tanh", "tanh"),
        "Pass network.activations",
        CLASSES.activations,
    ),
    ("diagnosis.record", "run", 3, "Pass descend(network, theta, ...)", RUN),
    ("diagnosis.record", "train", 3, "Pass Batch(X, Y)", CLASSES_BATCH),
    ("diagnosis.symmetric_units", "layout", 3, "Pass network.layout", CLASSES.layout),
    (
        "diagnosis.diagnose_run",
        "record",
        3,
        "Make it with diagnosis.record",
        diagnosis.record(RUN, 4, 2, CLASSES_BATCH, CLASSES_BATCH),
    ),
    (
        "dropout.normalized_geometric_mean",
        "weights",
        np.ones((8, 1)),
        "Make them with mask_weights",
        dropout.mask_weights(MASKS, 0.8),
    ),
    ("dropout.mask_weights", "masks", np.ones(3), "Make them with all_masks", MASKS),
    (
        "dropout.keep_mask",
        "keep_prob",
        np.array([0.5, 0.8]),
        "Pass one share for each network",
        lambda share: share[:, None, None],
    ),
    ("dropout.keep_mask", "dtype", "f4", "Pass A.dtype", np.dtype(np.float32)),
    ("dropout.with_draws", "batches", BATCH, "Pass repeat(batch)", repeat),
    ("early_stopping.ridge", "y", np.ones((5, 1)), "Pass one target for each row of X", np.ravel),
    (
        "early_stopping.share_after_steps",
        "s",
        1.0,
        "Pass the eigenvalues of X^T X / m",
        np.linalg.eigvalsh(X.T @ X / 5),
    ),
    ("early_stopping.early_stop", "dev_losses", [], "Train first", [2.0, 1.0]),
    ("experiments.neighbor_order", "X", np.zeros((40_000, 1)), "Pass fewer examples", lambda X: X[:50]),
    ("experiments.nearest_neighbor_errors", "order", np.zeros((2, 2), int), "Pass neighbor_order(X)", ORDER),
    ("experiments.network_fits", "x", np.ones(5), "Pass a row for each training set", np.ones((3, 5))),
    ("experiments.network_fits", "y", np.ones(5), "Pass a value for each x", np.ones((3, 5))),
    ("experiments.network_fits", "x_test", 1.0, "Pass the points to predict at", np.ones(2)),
    (
        "experiments.nearest_neighbor_errors",
        "in_train",
        np.zeros(30, bool),
        "Leave some examples for training",
        lambda bad: np.arange(30) > 3,
    ),
    ("experiments.split_errors", "n_dev", 29, "Make them smaller", 5),
    ("experiments.learning_curves", "data", 3, "Pass split(X, y, ...)", SPLIT),
    (
        "experiments.learning_curves",
        "data",
        SPLIT._replace(y_train=SPLIT.y_train[:2]),
        "Pass a label for each row",
        SPLIT,
    ),
    ("gradient_checking.difference", "x", np.ones(2), "Pass one point", 1.0),
    ("gradient_checking.difference", "eps", 1e-5, "Pass np.array([1e-5])", np.array([1e-5])),
    ("gradient_checking.kinks_crossed", "eps", 3, "Pass that of the check", 1e-5),
    ("gradient_checking.kinks_crossed", "network", 3, "Pass Network(sizes)", Network((2, 3, 1), "relu")),
    ("gradient_checking.order_of_error", "error", np.array([-1.0, -2.0, -3.0]), "Take np.abs", np.abs),
    ("gradient_checking.FreshMasks.loss", "batch", 3, "Pass Batch(X, Y)", BATCH),
    ("hyperparameter_search.search", "in_flight", 0, "Take at least the number of workers", 2),
    (
        "initialization.factor_per_layer",
        "sizes",
        3,
        "Pass signals.activations",
        initialization.predict_signals("tanh", 1.0, 3).activations,
    ),
    (
        "initialization.propagate",
        "V",
        np.ones((4, 4)),
        "Pass the weights of each layer on the first axis",
        np.ones((3, 2, 4, 4)),
    ),
    ("initialization.zeros", "shape", (0, 2), "Pass (n_out, n_in)", (3, 2)),
    (
        "losses.smooth_labels",
        "Y",
        np.array([1, 0]),
        "pass one_hot(y, n_classes)",
        lambda y: datasets.one_hot(y, 2),
    ),
    ("losses.check_labels", "Y", np.array([[1.0, 1], [0, 0]]), "Pass Y.T", turned),
    (
        "metrics.error_rate",
        "Y",
        np.array([0, 1, 2]),
        "Pass one_hot(y, n_classes)",
        lambda y: datasets.one_hot(y, 5),
    ),
    (
        "metrics.predicted_classes",
        "probabilities",
        np.ones((3, 0)),
        "Pass a column for each class",
        np.ones((3, 2)),
    ),
    ("minibatches.nested_minibatches", "Y", np.ones(30), "Pass a row for each example", lambda Y: Y[:, None]),
    ("minibatches.minibatches", "epochs", -1, "Leave it out to go on without end", None),
    (
        "network.Network.update_statistics",
        "statistics",
        np.ones(3),
        "Start with network.initial_statistics()",
        NORMED.initial_statistics(),
    ),
    ("network.layer_statistics", "layers", 3, "Pass trace.A or trace.dZ", TRACE.A),
    ("network.layer_statistics", "layers", 3, "Pass trace.A or trace.dZ", TRACE.dZ),
    ("network.check_training", "network", 3, "Pass Network(sizes)", CLASSES),
    ("network.Network.loss", "batch", 3, "Pass Batch(X, Y)", BATCH),
    ("network.Network.loss", "batch", Batch(X, Y.T), "pass Y.T", BATCH),
    ("network.Network.loss", "batch", Batch(X.T, Y), "pass X.T", BATCH),
    (
        "network.Network.predict",
        "draws",
        3,
        "Make them with dropout.draw_uniform",
        dropout.draw_uniform((2, 3, 1), 5, rng()),
    ),
    ("network.Network", "batch_norm", True, "Pass BatchNormalization()", BatchNormalization()),
    (
        "normalization.best_rate",
        "H",
        3,
        "Pass LeastSquares().hessian(batch)",
        normalization.LeastSquares().hessian(BATCH),
    ),
    (
        "normalization.fit",
        "X",
        np.array([[1e200], [-1e200]]),
        "Measure this feature in a larger unit",
        lambda X: X / 1e200,
    ),
    ("normalization.LeastSquares.hessian", "batch", 3, "Pass Batch(X, Y)", BATCH),
    (
        "normalization.Normalization",
        "scale",
        np.array([1.0, 0.0]),
        "For a constant feature, pass 1",
        np.ones(2),
    ),
    ("optimizers.Clipped", "optimizer", Adam, "For instance, pass Adam()", Adam()),
    ("parameters.check_sizes", "sizes", [2, 3, 1], "pass (2, 5, 1)", (2, 5, 1)),
    ("regularization.soft_threshold", "amount", -1.0, "Pass learning_rate * strength / m", 0.1 * 0.5 / 20),
    ("regularization.max_norm", "layout", 3, "Pass network.layout", NETWORK.layout),
    ("regularization.Regularized", "network", 3, "Pass Network(sizes)", NETWORK),
    (
        "saving.save_network",
        "statistics",
        np.ones(3),
        "Use those of the training run",
        NORMED.initial_statistics(),
    ),
    ("schedules.WarmUp", "schedule", 0.1, "pass Constant(0.1)", Constant(0.1)),
    ("schedules.Table", "rates", {10: 0.01}, "pass {0: 0.1, 10: 0.01}", {0: 0.1, 10: 0.01}),
    ("scratch.scratch", "dtype", "f8", "Pass X.dtype", X.dtype),
    ("search_spaces.OneMinusLogUniform", "high", 3.0, "Give values of beta, not exponents", 0.999),
    ("search_spaces.LogUniform", "low", -4.0, "Give values, not exponents", 1e-4),
    ("search_spaces.check_space", "space", [1], "For instance", {"learning_rate": LogUniform(1e-4, 1.0)}),
    ("search_spaces.check_space", "space", {"x": 3}, "A fixed value is Choice([value])", {"x": Choice([3])}),
    (
        "search_spaces.Choice",
        "options",
        [len],
        "For a function, take its name",
        lambda options: [options[0].__name__],
    ),
    ("settings.make_optimizer", "settings", 3, "Pass Settings(optimizer='adam')", Settings(optimizer="adam")),
    ("settings.Settings", "hidden", [8, 8], "Pass (8, 8)", (8, 8)),
    ("examples.load_examples", "settings", 3, "Pass Settings()", Settings()),
    ("examples.with_points", "added", ((0.0, 0.0, 7),), "Give the point another class", ((0.0, 0.0, 1),)),
    ("features.check_features", "features", ["x1"], "Pass ('x1', 'x2')", ("x1", "x2")),
    ("points.check_added", "added", [], "Pass ((0.5, -1.0, 0),)", ((0.5, -1.0, 0),)),
    ("points.added_in", "text", "0.5 -1 0", "For instance: 0.5,-1,0; 1,2,1", "0.5,-1,0; 1,2,1"),
    ("settings.Settings", "l2", np.float32(0.5), "Pass float(...)", float),
    ("sharing.to_text", "session", 3, "Pass Session(Settings())", Session(Settings())),
    ("points.principal_plane", "X", np.eye(3) * 1e200, "Use a larger unit", lambda X: X / 1e200),
    ("training.descend", "theta", [0.0], "Use the theta that network.initialize(rng) returns", THETA_NORMED),
    ("training.descend", "steps", -1, "Leave it out to go on without end", None),
    (
        "training.descend",
        "statistics",
        [0.0],
        "Start with network.initial_statistics()",
        NORMED.initial_statistics(),
    ),
    ("training.descend", "objective", Network, "Pass a Network", NORMED),
    ("training.descend", "batches", BATCH, "Pass repeat(Batch(X, Y))", repeat),
    ("training.descend", "optimizer", Adam, "Pass Adam()", Adam()),
]


def network_file(folder: Path) -> Path:
    path = folder / "network.npz"
    save_network(path, NETWORK, THETA)
    return path


def damaged(folder: Path) -> Path:
    path = network_file(folder)
    path.write_bytes(path.read_bytes()[:100])
    return path


def interrupted(folder: Path) -> Path:
    path = folder / "trials.jsonl"
    save_trials(path, [Trial(0, {"x": 1.0}, 0.5), Trial(1, {"x": 2.0}, 0.25)])
    path.write_bytes(path.read_bytes()[:-9])
    return path


def without_last_line(path: Path) -> Path:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    return path


def table_in(folder: Path) -> Path:
    """Return a table in a file."""
    path = folder / "my.csv"
    path.write_text(TABLE)
    return path


FIVE = [k % 5 for k in range(20)]
TWO_NUMBERS = read_table(pandas.DataFrame({"kind": list("ab") * 10, "a": FIVE, "b": FIVE}))
NO_CLASS = read_table(pandas.DataFrame(rng().normal(size=(20, 2)), columns=["a", "b"]))
GAPS = read_table(TWO_NUMBERS.frame.assign(kind=list("a" + "b" * 19), a=[None, *FIVE[1:]]))
DROPS = Network((2, 3, 1), keep_prob=0.5)
POPULATION = np.stack([THETA, THETA])
TWICE = Batch(np.stack([X, X]), np.stack([Y, Y]))
STATISTICS = NORMED.batch_statistics(THETA_NORMED, BATCH)
TABLE = "\n".join(f"{i * 7 % 20},{i * i % 7},{'ab'[i % 2]}" for i in range(20))
STEP = next(descend(NORMED, THETA_NORMED, repeat(BATCH), Adam(), 0.1, statistics=STATISTICS))
SPACE: dict[str, Any] = {f"x{i}": Uniform(0, 1) for i in range(9)}
LABELS = np.eye(3)[[0, 0, 1]]  # rows, of which one class has none
CHANGED = Network((2, 3, 1), keep_prob=np.full((2, 1, 1), 0.5))

# (module, words of the advice, the call, what is advised); each is a function of a folder
Case = tuple[str, str, Callable[[Path], Any], Callable[[Path], Any]]
CASES: list[Case] = [
    (
        "early_stopping",
        "Pass a larger one",
        lambda f: ridge(np.ones((2, 2)), np.ones(2), 1e-300),
        lambda f: ridge(np.ones((2, 2)), np.ones(2), 0.5),
    ),
    (
        "capstone_visits",
        "Begin with admit(seed)",
        lambda f: look("a patient", "start"),  # type: ignore[arg-type]
        lambda f: look(admit(2), "start"),
    ),
    (
        "capstone_visits",
        "Call finish(visit) first",
        lambda f: score(admit(2)),
        lambda f: score(finish(admit(2))),
    ),
    ("checks", "Pass for instance", lambda f: save_network("..", NETWORK, THETA), network_file),
    (
        "columns",
        "Choose the column, or add one",
        lambda f: read_examples(NO_CLASS),
        lambda f: read_examples(read_table(NO_CLASS.frame.assign(kind=list("ab") * 10))),
    ),
    (
        "gradient_checking",
        "Check one network at a time",
        lambda f: check_gradient(NETWORK, POPULATION, BATCH),
        lambda f: check_gradient(NETWORK, POPULATION[0], BATCH),
    ),
    (
        "gradient_checking",
        "Sum over the last axis only",
        lambda f: numerical_gradient(lambda theta: np.sum(theta**2), THETA),
        lambda f: numerical_gradient(lambda theta: np.sum(theta**2, axis=-1), THETA),
    ),
    (
        "initialization",
        "Or pass a function of rng and shape",
        lambda f: NETWORK.initialize(rng(), initializer="mine"),
        lambda f: NETWORK.initialize(rng(), initializer=initialization.normal),
    ),
    (
        "datasets",
        "or pass stratify=False",
        lambda f: datasets.split(X, np.arange(5), dev=1, test=1, rng=rng(), stratify=True),
        lambda f: datasets.split(X, np.arange(5), dev=1, test=1, rng=rng(), stratify=False),
    ),
    (
        "datasets",
        "Give all rows the same number of columns",
        lambda f: datasets.one_hot([[1], [1, 2]], 3),
        lambda f: datasets.one_hot([1, 2], 3),
    ),
    (
        "initialization",
        "Pass network.layout",
        lambda f: initialization.initialize((2, 3, 1), "tanh", rng()),
        lambda f: initialization.initialize(NETWORK.layout, "tanh", rng()),
    ),
    (
        "losses",
        "Pass Y.T",
        lambda f: LOSSES["softmax_cross_entropy"].cost(np.ones((3, 3)), LABELS),
        lambda f: LOSSES["softmax_cross_entropy"].cost(np.ones((3, 3)), LABELS.T),
    ),
    (
        "optimizers",
        "Before the first step it is init(theta)",
        lambda f: Adam().update(THETA, None),
        lambda f: Adam().update(THETA, Adam().init(THETA)),
    ),
    (
        "parameters",
        "Use the theta that network.initialize(rng) returns",
        lambda f: NETWORK.layout.views(THETA[1:]),
        lambda f: NETWORK.layout.views(NETWORK.initialize(rng())),
    ),
    (
        "regularization",
        "Pass network.layout.is_weight",
        lambda f: l2(THETA, [True], 0.1, 5),  # type: ignore[arg-type]
        lambda f: l2(THETA, NETWORK.layout.is_weight, 0.1, 5),
    ),
    (
        "columns",
        "Pass read_table(source)",
        lambda f: read_examples(TABLE),  # type: ignore[arg-type]
        lambda f: read_examples(read_table(TABLE)),
    ),
    (
        "columns",
        "besides the class; got 0. Add a column, or choose another class",
        lambda f: read_examples(read_table(TWO_NUMBERS.frame[["kind"]])),
        lambda f: read_examples(TWO_NUMBERS),
    ),
    (
        "columns",
        "must have rows that can be used; got 1. Take the median where numbers are missing",
        lambda f: read_examples(GAPS),
        lambda f: read_examples(GAPS, missing="take the median"),
    ),
    (
        "columns",
        "got 12. Add rows",
        lambda f: read_examples(read_table(TWO_NUMBERS.frame[:12])),
        lambda f: read_examples(TWO_NUMBERS),
    ),
    (
        "tables",
        "Pass path.read_bytes()",
        lambda f: decode(table_in(f)),  # type: ignore[arg-type]
        lambda f: decode(table_in(f).read_bytes()),
    ),
    (
        "tables",
        'Pass Path("my.csv")',
        lambda f: read_table(StringIO(TABLE)),
        lambda f: read_table(table_in(f)),
    ),
    (
        "network",
        "Pass step.statistics of the training run",
        lambda f: NORMED.predict(THETA_NORMED, X),
        lambda f: NORMED.predict(THETA_NORMED, X, STEP.statistics),
    ),
    (
        "network",
        "or network.batch_statistics(theta, training_set)",
        lambda f: NORMED.predict(THETA_NORMED, X),
        lambda f: NORMED.predict(THETA_NORMED, X, NORMED.batch_statistics(THETA_NORMED, BATCH)),
    ),
    (
        "batch_normalization",
        "or pass running statistics to predict",
        lambda f: NORMED.loss(THETA_NORMED, Batch(X[:1], Y[:1])),
        lambda f: NORMED.predict(THETA_NORMED, X[:1], STATISTICS),
    ),
    (
        "network",
        "Wrap the batches: with_draws(batches, network.sizes, rng)",
        lambda f: DROPS.gradient(THETA, BATCH),
        lambda f: DROPS.gradient(THETA, next(dropout.with_draws(repeat(BATCH), DROPS.sizes, rng()))),
    ),
    (
        "network",
        "To train without dropout, set keep_prob=1",
        lambda f: DROPS.gradient(THETA, BATCH),
        lambda f: replace(DROPS, keep_prob=1.0).gradient(THETA, BATCH),
    ),
    (
        "network",
        "Pass a theta for each of them",
        lambda f: NETWORK.gradient(THETA, TWICE),
        lambda f: NETWORK.gradient(POPULATION, TWICE),
    ),
    (
        "network",
        "Make it with Network(..., batch_norm=BatchNormalization())",
        lambda f: NETWORK.batch_statistics(THETA, BATCH),
        lambda f: Network((2, 3, 1), batch_norm=BatchNormalization()).batch_statistics(THETA_NORMED, BATCH),
    ),
    (
        "network",
        "for class numbers, one_hot(y, n_classes)",
        lambda f: CLASSES.gradient(CLASSES.initialize(rng()), Batch(X, np.array([[0], [1], [0], [1], [1]]))),
        lambda f: CLASSES.gradient(CLASSES.initialize(rng()), Batch(X, datasets.one_hot([0, 1, 0, 1, 1], 2))),
    ),
    (
        "schedules",
        "To raise the rate at first, use WarmUp",
        lambda f: Cosine(0.1, 10, lowest=0.2),
        lambda f: WarmUp(Constant(0.2), 10),
    ),
    (
        "search_spaces",
        "For one fixed value, use Choice([value])",
        lambda f: Uniform(1, 1),
        lambda f: Choice([1]),
    ),
    (
        "search_spaces",
        "Take random_settings",
        lambda f: grid(SPACE, 9),
        lambda f: random_settings(SPACE, 9, rng()),
    ),
    (
        "session",
        "Load a table first",
        lambda f: Session(Settings(data="own")),
        lambda f: Session(Settings(data="own"), read_examples(read_table(TABLE)).points),
    ),
    (
        "saving",
        "Save the network again",
        lambda f: load_network(damaged(f)),
        lambda f: load_network(network_file(f)),
    ),
    (
        "saving",
        "Save the networks of a population one by one",
        lambda f: save_network(f / "x.npz", CHANGED, POPULATION),
        lambda f: save_network(f / "x.npz", replace(CHANGED, keep_prob=0.5), POPULATION[0]),
    ),
    (
        "trials",
        "delete the line",
        lambda f: load_trials(interrupted(f)),
        lambda f: load_trials(without_last_line(interrupted(f))),
    ),
]
NOT_TRIED = {
    "hyperparameter_search": "take client.get_executor()",  # tried in tests/test_dask_search.py
    "saving": "Load it with the version of dlhelpers that wrote it",  # there is one format so far
    "bias_variance": "Draw the luck of more dev examples",  # tried in tests/test_bias_variance.py
}


def words(advice: str) -> str:
    """Return a pattern for words of an advice."""
    return re.escape(advice)


@pytest.mark.parametrize(
    ("call", "argument", "wrong", "advice", "right"),
    ROWS,
    ids=[f"{row[0]}-{row[1]}-{row[3][:30]}" for row in ROWS],
)
def test_the_advice_on_an_argument_helps(
    valid: dict[str, Any], call: str, argument: str, wrong: Any, advice: str, right: Any
) -> None:
    function, arguments = valid[call]
    with pytest.raises(ValueError, match=words(advice)):
        list_if_lazy(function(**{**arguments, argument: wrong}))
    advised = right(wrong) if isinstance(right, FUNCTIONS) else right
    list_if_lazy(function(**{**arguments, argument: advised}))


FUNCTIONS = (type(turned), type(np.abs), type(len), type, type(np.ravel), type(np.random.default_rng))


def list_if_lazy(result: Any) -> None:
    """Ask a generator for its first value: before that it may not have begun."""
    if inspect.isgenerator(result):
        next(result, None)


@pytest.mark.parametrize(
    ("module", "advice", "wrong", "right"), CASES, ids=[f"{case[0]}-{case[1][:40]}" for case in CASES]
)
def test_the_advice_on_a_call_helps(
    module: str, advice: str, wrong: Callable[[Path], Any], right: Callable[[Path], Any], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words(advice)):
        wrong(tmp_path)
    right(tmp_path)


# Whether all of them are here -------------------------------------------------------------------------

NEXT_MOVE = re.compile(
    r"(?:^|[.;:] )((?:Pass|Use|Make|Take|Give|Start|Wrap|Leave|Remove|Add|Draw|Train|Measure|Save|Load"
    r"|Begin|Call|Check|Choose|Copy|Flatten|Number|Open|Scale|Separate|Sum|Write"
    r"|For |From |Or |To |If )[^.]*)"
)


def text_of(node: ast.AST) -> str:
    """Return a text of the source, with {} for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def pieces_of_advice() -> dict[tuple[str, str], str]:
    """Return the next moves in the messages of the core: (module, first words) to the whole."""
    found = {}
    for path in sorted(CORE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts: list[ast.AST] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name == "ValueError" or name.lstrip("_").startswith(("check", "number")):
                    texts = [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").lower().strip("_") in (
                "advice",
                "beta",
                "one_curve",
            ):
                texts = [node.value]
            for each in texts:
                for move in NEXT_MOVE.findall(text_of(each)):
                    found[path.stem, move] = text_of(each)
    return found


ADVICE = pieces_of_advice()


@pytest.mark.parametrize(("module", "move"), ADVICE, ids=[f"{module}-{move[:50]}" for module, move in ADVICE])
def test_every_advice_is_tried(module: str, move: str) -> None:
    whole = ADVICE[module, move]
    tried = [row[3] for row in ROWS] + [advice for _, advice, *_ in CASES] + [NOT_TRIED.get(module, "-")]
    pattern = re.compile(re.escape(whole).replace(r"\{\}", ".*"))
    parts = [part for part in re.split(r"\{\}", whole) if len(part) > 3]
    assert any(
        advice in whole or any(part.strip(" .") in advice for part in parts) or pattern.search(advice)
        for advice in tried
    ), whole
