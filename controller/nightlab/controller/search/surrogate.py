"""A small additive model of the gain: each parameter contributes its own smooth curve, zero at the default.

With a dozen runs and dozens of literals, what one run can teach is which of the few literals that it changed mattered.
A Gaussian process over a sum of one-dimensional kernels learns just that, with its doubt. Numbers in, numbers out: what
a row means belongs to `moves`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LENGTH: Final = 2.0  # of a curve's bend, in steps
SCALES: Final = (0.3, 0.6, 1.0, 2.0)  # of one parameter's effect, in units of the spread of what was seen
NOISES: Final = (0.03, 0.1, 0.3, 0.6)  # the same for the noise, where no repeats tell it
RELEVANCE_ROUNDS: Final = 2


@dataclass(frozen=True)
class Surrogate:
    """A fitted model.

    Attributes:
        rows: Coordinates of the runs, shape (runs, parameters), in steps from the default.
        ordered: Which columns are distances; the others are classes, shape (parameters,).
        variances: Per parameter, of its curve one step away.
        weights: Solution of (kernel + noise) w = losses.
        inverse: Inverse of the Cholesky factor of that matrix.
    """

    rows: Array
    ordered: npt.NDArray[np.bool_]
    variances: Array
    weights: Array
    inverse: Array

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the loss at some rows, each of shape (rows,)."""
        cross = _kernel(rows, self.rows, self.ordered, self.variances)
        mean = cross @ self.weights
        solved = self.inverse @ cross.T
        own = _own(rows, self.ordered, self.variances)
        return mean, np.sqrt(np.maximum(own - np.einsum("ij,ij->j", solved, solved), 1e-12))


def fit(rows: Array, losses: Array, ordered: npt.NDArray[np.bool_], prior: Array, noise: Array | None) -> Surrogate:
    """Fit the model.

    Args:
        rows: Shape (runs, parameters), in steps from the default.
        losses: Difference from the default's loss, shape (runs,), lower is better.
        ordered: Which columns are distances, shape (parameters,).
        prior: Expected relative importance per parameter, shape (parameters,).
        noise: Standard deviation of each loss, shape (runs,); None: estimated.
    """
    spread = float(np.sqrt(np.mean(losses**2))) or 1.0
    noises = [noise] if noise is not None else [np.full(len(losses), n * spread) for n in NOISES]
    best: tuple[float, Surrogate] | None = None
    for scale in SCALES:
        for sd in noises:
            found = _solve(rows, losses, ordered, (scale * spread * prior) ** 2, sd)
            if best is None or found[0] > best[0]:
                best = (*found, sd)[:2]
                kept = sd
    assert best is not None
    model = best[1]
    for _ in range(RELEVANCE_ROUNDS):
        model = _solve(rows, losses, ordered, _relevance(model), kept)[1]
    return model


def _relevance(model: Surrogate) -> Array:
    """Re-estimate each curve's variance from its posterior, half-way: what was seen to matter may matter more."""
    energy = np.empty_like(model.variances)
    for column in range(len(energy)):
        alone = np.zeros_like(model.variances)
        alone[column] = model.variances[column]
        part = _kernel(model.rows, model.rows, model.ordered, alone)
        mean = part @ model.weights
        solved = model.inverse @ part
        doubt = np.maximum(np.diag(part) - np.einsum("ij,ij->j", solved, solved), 0.0)
        prior = np.diag(part)
        moved = prior > 0
        share = (mean[moved] ** 2 + doubt[moved]) / prior[moved]
        energy[column] = model.variances[column] * (float(np.mean(share)) if moved.any() else 1.0)
    return np.sqrt(model.variances * np.maximum(energy, 1e-3 * model.variances))


def _solve(
    rows: Array, losses: Array, ordered: npt.NDArray[np.bool_], variances: Array, noise: Array
) -> tuple[float, Surrogate]:
    covariance = _kernel(rows, rows, ordered, variances) + np.diag(noise**2 + 1e-9 * variances.max())
    factor = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(factor)
    white = inverse @ losses
    evidence = -0.5 * float(white @ white) - float(np.log(np.diag(factor)).sum())
    return evidence, Surrogate(rows, ordered, variances, inverse.T @ white, inverse)


def _kernel(one: Array, two: Array, ordered: npt.NDArray[np.bool_], variances: Array) -> Array:
    """Sum of per-parameter kernels that are zero at the default: cov(f(x) - f(0), f(y) - f(0))."""
    total = np.zeros((len(one), len(two)))
    for column in np.flatnonzero(variances):
        x, y = one[:, column], two[:, column]
        if not (x.any() and y.any()):
            continue
        between = _bump(x[:, None] - y[None, :], ordered[column])
        total += variances[column] * (
            between - _bump(x, ordered[column])[:, None] - _bump(y, ordered[column])[None, :] + 1.0
        )
    return total


def _own(rows: Array, ordered: npt.NDArray[np.bool_], variances: Array) -> Array:
    total = np.zeros(len(rows))
    for column in np.flatnonzero(variances):
        total += variances[column] * 2.0 * (1.0 - _bump(rows[:, column], ordered[column]))
    return total


def _bump(distance: Array, ordered: np.bool_) -> Array:
    if not ordered:
        return np.asarray(distance == 0, dtype=np.float64)
    return np.asarray(np.exp(-0.5 * (distance / LENGTH) ** 2))
