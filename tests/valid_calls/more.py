"""Valid calls, as in `tests.valid_calls`: of optimizers, data, search, diagnosis and playground."""

from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import (
    augmentation,
    averages,
    columns,
    diagnosis,
    digit_runs,
    examples,
    features,
    hyperparameter_search,
    normalization,
    norms,
    optimizers,
    points,
    rewiring,
    schedules,
    scratch,
    search_spaces,
    session,
    settings,
    sharing,
    stream,
    surfaces,
    tables,
    training,
    trials,
)
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, check_training, layer_statistics

One = tuple[Callable[..., Any], dict[str, Any]]


def of_optimizers() -> Iterator[One]:
    rng = np.random.default_rng(0)
    theta, gradient = rng.normal(size=6), rng.normal(size=6)
    beta = {"v": theta, "x": gradient, "beta": 0.9}
    yield averages.update, beta
    yield averages.correct, {"v": theta, "beta": 0.9, "t": 3}
    yield averages.weight_sum, {"beta": 0.9, "t": 3}
    yield averages.moving_average, {"x": theta, "beta": 0.9, "bias_correction": True}
    yield averages.weights, {"beta": 0.9, "t": 5}
    yield averages.rule_of_thumb_window, {"beta": 0.9}
    yield averages.effective_window, {"beta": 0.9}
    for of_squares in (norms.norm, norms.root_mean_square, norms.power_of_two):
        yield of_squares, {"x": theta, "axis": -1}
    yield optimizers.Momentum, {"beta": 0.9, "averaged": True}
    yield optimizers.Nesterov, {"beta": 0.9, "averaged": False}
    yield optimizers.AdaGrad, {"eps": 1e-10}
    yield optimizers.RMSprop, {"beta": 0.9, "eps": 1e-8, "eps_inside": True}
    adam = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "eps_inside": False, "bias_correction": True}
    yield optimizers.Adam, adam
    yield optimizers.Clipped, {"optimizer": optimizers.Adam(), "limit": 1.0}
    yield optimizers.clip_by_norm, {"gradient": gradient, "limit": 1.0}
    yield optimizers.clip_by_value, {"gradient": gradient, "limit": 1.0}
    for optimizer in (
        *(kind() for kind in optimizers.OPTIMIZERS.values()),
        optimizers.Clipped(optimizers.Adam()),
    ):
        yield optimizer.init, {"theta": theta}
        yield optimizer.update, {"gradient": gradient, "state": optimizer.init(theta)}
    yield schedules.Constant, {"rate": 0.1}
    yield schedules.InverseTime, {"rate": 0.1, "decay_rate": 1.0}
    yield schedules.Exponential, {"rate": 0.1, "base": 0.9}
    yield schedules.InverseSqrt, {"rate": 0.1, "k": 2.0}
    yield schedules.Staircase, {"rate": 0.1, "factor": 0.5, "every": 10}
    yield schedules.Table, {"rates": {0: 0.1, 10: 0.01}}
    yield schedules.Cosine, {"rate": 0.1, "steps": 10, "lowest": 0.0}
    yield schedules.WarmUp, {"schedule": schedules.Constant(0.1), "steps": 10}
    yield schedules.PerEpoch, {"schedule": schedules.Constant(0.1), "steps_per_epoch": 10}
    yield surfaces.Ravine, {"condition": 10.0, "angle_degrees": 30.0}
    yield surfaces.Rosenbrock, {"a": 1.0, "b": 10.0}
    yield surfaces.Plateau, {"width": 2.0}
    for surface in (kind() for kind in surfaces.SURFACES.values()):
        yield surface.loss, {"theta": theta[:2], "batch": None}
        yield surface.gradient, {"theta": theta[:2], "batch": None}
        yield surface.hessian, {"theta": theta[:2]}


def of_data() -> Iterator[One]:
    X = np.random.default_rng(0).random((5, 2))
    images = np.random.default_rng(0).random((5, 16))
    fitted = normalization.fit(X)
    yield normalization.Normalization, {"mean": fitted.mean, "scale": fitted.scale}
    yield normalization.fit, {"X": X}
    yield fitted.apply, {"X": X}
    yield fitted.inverse, {"X": X}
    yield normalization.condition_number, {"X": X, "bias": True}
    yield augmentation.rotation_matrix, {"degrees": 10.0, "side": 4}
    yield augmentation.rotate, {"X": images, "degrees": 10.0}
    yield augmentation.shift, {"X": images, "rows": 1.0, "columns": 0.5}
    yield augmentation.scale, {"X": images, "factor": 1.1}
    noise = {"X": images, "strength": 0.5, "rng": np.random.default_rng(0)}
    yield augmentation.add_noise, noise
    yield augmentation.elastic, {**noise, "smoothness": 2.0}
    amounts = {"degrees": 10.0, "pixels": 1.0, "scale": 0.1, "noise": 0.1, "elastic": 0.5, "smoothness": 2.0}
    yield augmentation.augment, {"X": images, "rng": np.random.default_rng(0), **amounts}
    yield scratch.scratch, {"name": "a test", "lead": (), "sizes": (2, 3), "m": 4, "dtype": np.dtype(float)}


def half(setting: dict[str, Any]) -> float:
    return abs(setting["x"] - 0.5)


def advance(setting: dict[str, Any], state: Any, budget: int) -> tuple[float, Any]:
    return abs(setting["x"] - 0.5) / (1 + (state or 0)), (state or 0) + budget


def of_search(folder: Path) -> Iterator[One]:
    search = hyperparameter_search
    spaces = search_spaces
    ends = {"low": 0.1, "high": 0.9}
    for space in (spaces.Uniform, spaces.LogUniform, spaces.OneMinusLogUniform):
        yield space, ends
        yield space(**ends).from_unit, {"u": 0.5}
        yield space(**ends).to_unit, {"value": 0.5}
        yield space(**ends).grid, {"n": 3}
    yield spaces.Integer, {"low": 1, "high": 9, "log": True}
    yield spaces.Integer(1, 9).from_unit, {"u": 0.5}
    yield spaces.Integer(1, 9).to_unit, {"value": 3}
    yield spaces.Integer(1, 9).grid, {"n": 3}
    yield spaces.Choice, {"options": ("a", "b")}
    yield spaces.Choice(("a", "b")).from_unit, {"u": 0.5}
    yield spaces.Choice(("a", "b")).to_unit, {"value": "a"}
    yield spaces.Choice(("a", "b")).grid, {"n": 2}
    named = {"x": spaces.Uniform(0.0, 1.0)}
    drawn = {"space": named, "trials": 4, "rng": np.random.default_rng(0)}
    yield spaces.grid, {"space": named, "n": 3}
    yield spaces.random_settings, drawn
    yield spaces.latin_hypercube, drawn
    settings = spaces.grid(named, 4)
    found = list(search.search(half, settings))
    stages = list(search.caviar(advance, settings, 2))
    yield spaces.zoom, {"space": named, "trials": found, "keep": 2, "margin": 0.1}
    yield spaces.places, {"space": named, "setting": settings[1]}
    yield spaces.check_space, {"space": named}
    yield trials.plain, {"value": np.arange(3)}
    yield trials.listed, {"name": "values", "values": found, "what": "trials"}
    yield trials.best, {"trials": found, "n": 2}
    yield trials.distinct, {"trials": found, "name": "x"}
    yield trials.leaders, {"stages": stages}
    how = {"executor": None, "in_flight": 4, "time_limit": 60.0}
    yield search.search, {"objective": half, "settings": settings, "done": found[:1], **how}
    small = {"learning_rate": 0.1, "beta": 0.9, "batch_size": 256, "units": 8, "layers": 1, "decay": 0.0}
    yield digit_runs.dev_error, {"setting": small}
    yield digit_runs.digit_parts, {"seed": 0}
    yield digit_runs.run_table, {}
    trials.save_trials(folder / "trials.jsonl", found)
    yield trials.save_trials, {"path": folder / "new.jsonl", "trials": found}
    yield trials.recorded, {"path": folder / "more.jsonl", "trials": found}
    yield trials.load_trials, {"path": folder / "trials.jsonl"}
    yield search.caviar, {"advance": advance, "settings": settings, "budget": 2, **how}
    yield search.halving_rungs, {"n": 9, "budget": 1, "eta": 3}
    yield search.successive_halving, {"advance": advance, "settings": settings, "budget": 1, "eta": 3, **how}
    yield search.OneAtATime, {"space": named, "step": 0.1}
    nurse = search.OneAtATime(named)
    yield nurse, {"setting": settings[1], "round": 1}
    yield (
        search.panda,
        {"advance": advance, "setting": settings[1], "nurse": nurse, "rounds": 2, "budget": 1, **how},
    )


def of_runs() -> Iterator[One]:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(8, 2)), np.eye(2)[rng.integers(0, 2, 8)]
    batch, network = Batch(X, Y), Network((2, 3, 2), "tanh", "softmax_cross_entropy")
    theta = network.initialize(rng)

    def run() -> training.Descent:
        return training.descend(network, theta, repeat(batch), optimizers.Adam(), 0.1)

    trace, losses = network.trace(theta, batch), np.linspace(1, 0.1, 20)
    recorded = diagnosis.record(run(), 20, 2, batch, batch)
    yield diagnosis.update_ratio, {"before": theta, "after": theta + 1}
    yield diagnosis.record, {"run": run(), "steps": 4, "every": 2, "train": batch, "dev": batch}
    yield diagnosis.divergence, {"steps": np.arange(20), "losses": losses}
    yield layer_statistics, {"layers": trace.A}
    yield diagnosis.dead_units, {"trace": trace, "activations": ("tanh",)}
    yield diagnosis.saturation, {"trace": trace, "activations": ("tanh",)}
    yield diagnosis.gradient_slope, {"trace": trace}
    yield diagnosis.rate_verdict, {"losses": losses}
    yield diagnosis.update_verdict, {"update_ratios": losses}
    yield diagnosis.fit_verdict, {"base": 0.0, "train": 0.1, "dev": 0.2}
    yield diagnosis.input_scale, {"X": X}
    yield diagnosis.symmetric_units, {"layout": network.layout, "theta": theta}
    diagnose = {"record": recorded, "network": network, "train": batch, "dev": batch, "base_error": 0.0}
    yield diagnosis.diagnose_run, diagnose

    rows = "\n".join(f"{i * 7 % 20},{i * i % 7},{'ab'[i % 2]}" for i in range(20))
    table = tables.read_table(rows)
    run = session.Session(settings.Settings(m=20, hidden=(2,)))
    yield points.principal_plane, {"X": X}
    yield features.input_features, {"X": X[:, :2], "features": ("x1", "x1*x2")}
    yield features.check_features, {"features": ("x1", "x1*x2")}
    by_hand = ((0.5, -1.0, 0),)
    yield points.check_added, {"added": by_hand}
    yield points.places, {"added": by_hand}
    yield points.added_as_text, {"added": by_hand}
    yield points.added_in, {"text": "0.5,-1,0"}
    train = examples.load_examples(settings.Settings(m=20)).train
    yield examples.with_points, {"train": train, "added": by_hand, "features": ("x1", "x2")}
    own = points.Points(X[:, :2], np.arange(len(X)) % 2)
    yield examples.load_examples, {"settings": settings.Settings(m=20), "own": own}
    yield tables.read_table, {"source": rows, "name": "own.csv"}
    yield tables.decode, {"content": rows.encode()}
    yield columns.classes_of, {"table": table}
    choices = {"target": "column 3", "left_out": (), "missing": "take the median"}
    yield columns.read_examples, {"table": table, **choices, "bins": 0, "most": 20}
    fields = vars(settings.Settings(m=20, hidden=(2,)))
    yield settings.Settings, dict(fields)
    yield settings.make_optimizer, {"settings": settings.Settings()}
    yield run.advance, {"n": 2}
    yield (
        run.change,
        {name: fields[name] for name in ("learning_rate", "optimizer", "keep_prob", "batch_size")},
    )
    yield run.rewind, {"step": 0}
    yield run.measure, {}
    yield sharing.to_text, {"session": run}
    yield sharing.program, {"session": run}
    place = {"batch_size": 2, "input_noise": 0.1, "step": 3, "epoch": 1, "position": 2}
    yield stream.Stream, {"X": X, "Y": Y, "sizes": (2, 3, 2), "seed": 0, **place}
    batches = stream.Stream(X, Y, (2, 3, 2), seed=0, batch_size=4)
    descent = training.descend(network, theta, batches, optimizers.Adam(), 0.1)
    next(descent)
    yield batches.again, {"run": descent}
    yield descent.take_back, {}
    yield rewiring.set_weight, {"run": descent, "name": "W1[0,1]", "value": 0.5}
    wider = Network((*network.sizes[:-1], 3, network.sizes[-1]), network.activation, network.loss_name)
    yield (
        rewiring.resize,
        {"run": descent, "batches": batches, "objective": wider, "rng": rng, "initializer": "normal"},
    )
    yield rewiring.is_weight_name, {"name": "W1[0,1]"}
    yield rewiring.check_weight, {"layout": network.layout, "name": "W1[0,1]", "value": 0.5}
    yield network.hidden_units, {"theta": theta, "X": X, "statistics": None, "draws": None}
    yield check_training, {"network": network, "theta": theta, "batch": batch, "with_loss": True}
    yield network.logits, {"theta": theta, "X": X, "statistics": None, "draws": None}
    yield sharing.from_text, {"text": "playground | m=20 hidden=2 | @3", "own": None}
    yield sharing.replay, {"text": "playground | m=20 hidden=2 | @3", "own": None}


def calls_of(folder: Path) -> Iterator[One]:
    yield from of_optimizers()
    yield from of_data()
    yield from of_search(folder)
    yield from of_runs()
