"""How fast a step of training is, beside its bare matrix products and beside other libraries.

    python benchmarks/training.py [--rounds N]

Float32 (the textbook: float64), Adam, one thread.  All sides train on the same data, first weights and
batches, and the losses at the end are compared.  In each round every side trains once; a number is the
median over the rounds of the ratio within a round.  A peer that is not installed is left out by name.
"""

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it also runs where the package is not installed

import numpy as np  # noqa: E402

from dlhelpers.minibatches import Batch  # noqa: E402
from dlhelpers.network import Network  # noqa: E402
from dlhelpers.optimizers import Adam  # noqa: E402
from dlhelpers.training import descend  # noqa: E402

RATE, BETA1, BETA2, EPS = 0.001, 0.9, 0.999, 1e-8
POPULATION = 16

Run = tuple[float, float]
"""Seconds for a step, and the loss at the end on the first batch."""


class Case(NamedTuple):
    name: str
    sizes: tuple[int, ...]
    m: int
    batches: int
    steps: int

    def network(self) -> Network:
        return Network(self.sizes, "tanh", "softmax_cross_entropy" if self.sizes[-1] > 1 else BINARY)

    def data(self) -> list[Batch]:
        rng = np.random.default_rng(0)
        found = []
        for _ in range(self.batches):
            X = rng.normal(size=(self.m, self.sizes[0])).astype(np.float32)
            labels = rng.integers(max(2, self.sizes[-1]), size=self.m)
            Y = labels[:, None] if self.sizes[-1] == 1 else np.eye(self.sizes[-1])[labels]
            found.append(Batch(X, Y.astype(np.float32)))
        return found

    def theta(self, population: int | None = None) -> Any:
        theta = self.network().initialize(np.random.default_rng(1)).astype(np.float32)
        return theta if population is None else np.tile(theta, (population, 1))


BINARY = "sigmoid_cross_entropy"
CASES = (
    Case("a: 2-20-10-1, 300", (2, 20, 10, 1), 300, 1, 400),
    Case("b: 64-64-32-10, 64", (64, 64, 32, 10), 64, 20, 400),
    Case("d: 2-64-64-3, 500", (2, 64, 64, 3), 500, 1, 120),
    Case("c: 784-256-128-10, 256", (784, 256, 128, 10), 256, 4, 24),
)


def timed(case: Case, step: Callable[[Batch], object], loss: Callable[[], float]) -> Run:
    """Run the steps on the batches in turn."""
    batches = list(islice(cycle(case.data()), case.steps))
    start = time.perf_counter()
    for batch in batches:
        step(batch)
    seconds = time.perf_counter() - start
    return seconds / case.steps, loss()


def matrix_products(case: Case) -> Run:
    """Nothing but the products of the forward and the backward pass, into memory that is there."""
    network, batch = case.network(), case.data()[0]
    trace = network.trace(case.theta(), batch)
    W = [network.layout.views(case.theta())[f"W{i + 1}"] for i in range(len(trace.Z))]
    A = [batch.X.T, *trace.A]
    Z, dA = [z.copy() for z in trace.Z], [a.copy() for a in A]
    dW = [w.copy() for w in W]

    def step(_: Batch) -> None:
        for i in range(len(W)):
            np.matmul(W[i], A[i], out=Z[i])
        for i in reversed(range(len(W))):
            np.matmul(trace.dZ[i], A[i].T, out=dW[i])
            if i > 0:
                np.matmul(W[i].T, trace.dZ[i], out=dA[i])

    return timed(case, step, lambda: np.nan)


def ours(case: Case, population: int | None = None) -> Run:
    network, first = case.network(), case.data()[0]
    turn: Iterator[Batch] = cycle(case.data())
    run = descend(network, case.theta(population), turn, Adam(BETA1, BETA2, EPS), RATE)
    steps = max(3, case.steps // (population or 1))
    next(run)
    start = time.perf_counter()
    for _ in islice(run, steps):
        pass
    seconds = time.perf_counter() - start
    return seconds / steps / (population or 1), float(np.mean(network.loss(run.theta, first)))


def together(case: Case) -> Run:
    """One network of a population."""
    return ours(case, POPULATION)[0], np.nan


def by_hand(case: Case) -> Run:
    """The same arithmetic in the fewest calls of NumPy, all in place; nothing is checked, nothing is kept."""
    binary, layers = case.sizes[-1] == 1, len(case.sizes) - 1
    layout, theta = case.network().layout, case.theta().copy()
    g, v, s, direction, root = (np.zeros_like(theta) for _ in range(5))
    p, d = layout.views(theta), layout.views(g)
    W, b, dW, db = ([each[f"{name}{i + 1}"] for i in range(layers)] for each in (p, d) for name in "Wb")
    A, dA = ([np.empty((n, case.m), np.float32) for n in case.sizes[1:]] for _ in range(2))
    t = 0

    def forward(X: Any) -> None:
        for i in range(layers):
            np.matmul(W[i], A[i - 1] if i else X, out=A[i])
            np.add(A[i], b[i], out=A[i])
            if i < layers - 1:
                np.tanh(A[i], out=A[i])

    def step(batch: Batch) -> None:
        nonlocal t
        t += 1
        X, Y = batch.X.T, batch.Y.T
        forward(X)
        Z, dZ = A[-1], dA[-1]
        if binary:
            np.add(np.exp(np.negative(Z, out=dZ), out=dZ), 1, out=dZ)
            np.divide(1, dZ, out=dZ)
        else:
            np.exp(np.subtract(Z, Z.max(axis=0), out=dZ), out=dZ)
            np.divide(dZ, dZ.sum(axis=0), out=dZ)
        np.divide(np.subtract(dZ, Y, out=dZ), case.m, out=dZ)
        for i in range(layers - 1, -1, -1):
            np.add.reduce(dA[i], axis=1, keepdims=True, out=db[i])
            np.matmul(dA[i], (A[i - 1] if i else X).T, out=dW[i])
            if i:
                np.matmul(W[i].T, dA[i], out=dA[i - 1])
                slope = np.subtract(1, np.multiply(A[i - 1], A[i - 1], out=A[i - 1]), out=A[i - 1])
                np.multiply(dA[i - 1], slope, out=dA[i - 1])
        np.add(np.multiply(v, BETA1, out=v), np.multiply(g, 1 - BETA1, out=direction), out=v)
        np.multiply(np.multiply(g, g, out=g), 1 - BETA2, out=g)
        np.add(np.multiply(s, BETA2, out=s), g, out=s)
        np.sqrt(np.divide(s, 1 - BETA2**t, out=root), out=root)
        np.divide(v, np.add(root, EPS, out=root), out=direction)
        np.subtract(theta, np.multiply(direction, RATE / (1 - BETA1**t), out=direction), out=theta)

    first = case.data()[0]
    return timed(case, step, lambda: float(case.network().loss(theta, first)))


def textbook(case: Case) -> Run:
    """Dictionaries of W1, b1, ...; float64; the cost in every step."""
    layers, binary = len(case.sizes) - 1, case.sizes[-1] == 1
    p = {k: v.astype(float) for k, v in case.network().layout.views(case.theta()).items()}
    v, s = ({name: np.zeros_like(value) for name, value in p.items()} for _ in range(2))
    t = 0

    def forward(X: Any) -> list[Any]:
        A = [X.T]
        for i in range(1, layers + 1):
            Z = p[f"W{i}"] @ A[-1] + p[f"b{i}"]
            A.append(np.tanh(Z) if i < layers else Z)
        e = np.exp(A[-1] - (0 if binary else A[-1].max(axis=0)))
        A[-1] = 1 / (1 + 1 / e) if binary else e / e.sum(axis=0)
        return A

    def cost(A: Any, Y: Any) -> float:
        likelihood = Y * np.log(A) + ((1 - Y) * np.log(1 - A) if binary else 0)
        return float(-likelihood.sum() / Y.shape[1])

    def step(batch: Batch) -> None:
        nonlocal t
        t += 1
        A, Y = forward(batch.X.astype(float)), batch.Y.T
        cost(A[-1], Y)
        dZ = (A[-1] - Y) / Y.shape[1]
        grads = {}
        for i in range(layers, 0, -1):
            grads[f"W{i}"], grads[f"b{i}"] = dZ @ A[i - 1].T, dZ.sum(axis=1, keepdims=True)
            dZ = p[f"W{i}"].T @ dZ * (1 - A[i - 1] ** 2)
        for name, g in grads.items():
            v[name] = BETA1 * v[name] + (1 - BETA1) * g
            s[name] = BETA2 * s[name] + (1 - BETA2) * g**2
            v_hat, s_hat = v[name] / (1 - BETA1**t), s[name] / (1 - BETA2**t)
            p[name] = p[name] - RATE * v_hat / (np.sqrt(s_hat) + EPS)

    first = case.data()[0]
    return timed(case, step, lambda: cost(forward(first.X.astype(float))[-1], first.Y.T))


def scikit_learn(case: Case) -> Run:
    """`MLPClassifier.partial_fit`, with the first weights put in; it checks its data in every step."""
    from sklearn.neural_network import MLPClassifier

    first, classes = case.data()[0], max(2, case.sizes[-1])
    model = MLPClassifier(case.sizes[1:-1], activation="tanh", alpha=0, batch_size=case.m, shuffle=False)
    model.set_params(learning_rate_init=RATE, epsilon=EPS)
    labels = {id(b): b.Y.argmax(axis=1) if case.sizes[-1] > 1 else b.Y[:, 0].astype(int) for b in [first]}
    model.partial_fit(first.X, labels[id(first)], classes=np.arange(classes))
    views = case.network().layout.views(case.theta())
    for i in range(len(model.coefs_)):
        model.coefs_[i][...], model.intercepts_[i][...] = views[f"W{i + 1}"].T, views[f"b{i + 1}"][:, 0]
    optimizer = model._optimizer
    optimizer.t = 0
    for moments in (optimizer.ms, optimizer.vs):
        for moment in moments:
            moment[...] = 0

    def step(batch: Batch) -> None:
        y = batch.Y[:, 0].astype(int) if case.sizes[-1] == 1 else batch.Y.argmax(axis=1)
        model.partial_fit(batch.X, y)

    def loss() -> float:
        chances = model.predict_proba(first.X)[np.arange(case.m), labels[id(first)]]
        return float(-np.log(chances).mean())

    return timed(case, step, loss)


def pytorch(case: Case, fused: bool = False) -> Run:
    import torch

    torch.set_num_threads(1)
    parts: list[Any] = []
    for i, (a, b) in enumerate(zip(case.sizes[:-1], case.sizes[1:], strict=True)):
        parts += [torch.nn.Tanh()] * (i > 0) + [torch.nn.Linear(a, b)]
    model = torch.nn.Sequential(*parts)
    with torch.no_grad():
        for value, view in zip(
            model.parameters(), case.network().layout.views(case.theta()).values(), strict=True
        ):
            value.copy_(torch.tensor(view).reshape(value.shape))
    optimizer = torch.optim.Adam(model.parameters(), RATE, (BETA1, BETA2), EPS, fused=fused)
    functional = torch.nn.functional
    criterion = (
        functional.binary_cross_entropy_with_logits if case.sizes[-1] == 1 else functional.cross_entropy
    )

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        criterion(model(torch.from_numpy(batch.X)), torch.from_numpy(batch.Y)).backward()
        optimizer.step()

    first = case.data()[0]
    end = lambda: float(criterion(model(torch.from_numpy(first.X)), torch.from_numpy(first.Y)))  # noqa: E731
    return timed(case, step, end)


def pytorch_fused(case: Case) -> Run:
    return pytorch(case, fused=True)


def jax_jitted(case: Case) -> Run:
    import jax
    import jax.numpy as jnp

    layout, layers = case.network().layout, len(case.sizes) - 1

    def cost(p: Any, X: Any, Y: Any) -> Any:
        A = X.T
        for i in range(1, layers + 1):
            Z = p[f"W{i}"] @ A + p[f"b{i}"]
            A = jnp.tanh(Z)
        if case.sizes[-1] == 1:
            return (jnp.logaddexp(0, Z) - Y.T * Z).mean()
        return -(Y.T * jax.nn.log_softmax(Z, axis=0)).sum(axis=0).mean()

    @jax.jit
    def update(p: Any, v: Any, s: Any, t: Any, X: Any, Y: Any) -> Any:
        g = jax.grad(cost)(p, X, Y)
        v = jax.tree.map(lambda v, g: BETA1 * v + (1 - BETA1) * g, v, g)
        s = jax.tree.map(lambda s, g: BETA2 * s + (1 - BETA2) * g**2, s, g)
        hats = 1 - BETA1**t, 1 - BETA2**t
        p = jax.tree.map(lambda p, v, s: p - RATE * v / hats[0] / (jnp.sqrt(s / hats[1]) + EPS), p, v, s)
        return p, v, s, t + 1

    p = {name: jnp.asarray(view) for name, view in layout.views(case.theta()).items()}
    zeros = {name: jnp.zeros_like(value) for name, value in p.items()}
    state = p, zeros, zeros, jnp.float32(1)
    first = case.data()[0]
    jax.block_until_ready(update(*state, first.X, first.Y))  # compiles

    def step(batch: Batch) -> None:
        nonlocal state
        state = jax.block_until_ready(update(*state, batch.X, batch.Y))

    return timed(case, step, lambda: float(cost(state[0], first.X, first.Y)))


PEERS: tuple[tuple[str, str, Callable[[Case], Run]], ...] = (
    ("NumPy by hand, in place", "numpy", by_hand),
    ("textbook NumPy", "numpy", textbook),
    ("PyTorch, eager Adam", "torch", pytorch),
    ("PyTorch, fused Adam", "torch", pytorch_fused),
    ("scikit-learn", "sklearn", scikit_learn),
    ("JAX, one jitted step", "jax", jax_jitted),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="at least 7 for numbers to keep (9)")
    rounds = parser.parse_args().rounds
    peers = [(name, run) for name, package, run in PEERS if importlib.util.find_spec(package)]
    for name in [name for name, package, _ in PEERS if not importlib.util.find_spec(package)]:
        print(f"Left out, because it is not installed: {name}")
    for case in CASES:
        sides = [("matrix products", matrix_products), ("in a population of 16", together), *peers]
        table: dict[str, list[Run]] = {name: [] for name, _ in [("ours", ours), *sides]}
        for _ in range(rounds):
            for name, run in [("ours", ours), *sides]:
                table[name].append(run(case))
        us, loss = [seconds for seconds, _ in table["ours"]], table["ours"][-1][1]
        median = 1e6 * statistics.median(us)
        print(f"\n{case.name}: {median:.0f} microseconds a step, loss at the end {loss:.6f}")
        for name, _ in sides:
            ratio = statistics.median(t / o for (t, _), o in zip(table[name], us, strict=True))
            if name in ("matrix products", "in a population of 16"):
                print(f"  a step over {name:30} {1 / ratio:5.2f}")
            if name == "NumPy by hand, in place":
                bare = zip(table[name], table["matrix products"], strict=True)
                over = statistics.median(hand / products for (hand, _), (products, _) in bare)
                print(f"  {'NumPy by hand over matrix products':41} {over:5.2f}")
            if name not in ("matrix products", "in a population of 16"):
                print(f"  times as fast as {name:25} {ratio:5.2f}   its loss {table[name][-1][1]:.6f}")


if __name__ == "__main__":
    main()
