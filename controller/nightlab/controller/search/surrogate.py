"""A small additive model of the loss: each parameter contributes its own smooth curve, zero at the default.

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
Flags = npt.NDArray[np.bool_]

LENGTH: Final = 2.0  # of a curve's bend, in steps
SCALES: Final = (0.3, 0.6, 1.0, 2.0)  # of one parameter's effect, in units of the spread of what was seen
NOISES: Final = (0.03, 0.1, 0.3, 0.6)  # the same for the noise, where no repeats tell it
RELEVANCE_ROUNDS: Final = 2
LEAST_RELEVANCE: Final = 1e-3


@dataclass(frozen=True)
class Surrogate:
    """A fitted model.

    Attributes:
        rows: Coordinates of the runs, shape (runs, parameters), in steps from the default.
        ordered: Which columns are distances; the others are classes, shape (parameters,).
        variances: Per parameter, of its curve; shape (parameters,).
        weights: Solution of (kernel + noise) w = losses, shape (runs,).
        inverse: Inverse of the Cholesky factor of that matrix, shape (runs, runs).
        evidence: Logarithm of the marginal likelihood, without its constant.
    """

    rows: Array
    ordered: Flags
    variances: Array
    weights: Array
    inverse: Array
    evidence: float

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the loss at some rows, each of shape (rows,)."""
        cross = np.zeros((len(rows), len(self.rows)))
        for column in np.flatnonzero(self.rows.any(axis=0) & rows.any(axis=0)):
            cross += self.variances[column] * _curve(rows[:, column], self.rows[:, column], self.ordered[column])
        solved = cross @ self.inverse.T
        own = 2.0 * (1.0 - _bump(rows, self.ordered)) @ self.variances
        return cross @ self.weights, np.sqrt(np.maximum(own - (solved**2).sum(axis=1), 1e-12))


def fit(rows: Array, losses: Array, ordered: Flags, prior: Array, noise: Array | None) -> Surrogate:
    """Fit the model: effect size and noise by marginal likelihood, then each parameter's relevance by its posterior.

    Args:
        rows: Shape (runs, parameters), in steps from the default.
        losses: Difference from the default's loss, shape (runs,), lower is better.
        ordered: Which columns are distances, shape (parameters,).
        prior: Expected relative importance per parameter, shape (parameters,).
        noise: Standard deviation of each loss, shape (runs,); None: estimated.
    """
    spread = float(np.sqrt(np.mean(losses**2))) or 1.0
    noises = [noise] if noise is not None else [np.full(len(losses), share * spread) for share in NOISES]
    task = _Task(rows, losses, ordered)
    fits = [(task.solve((scale * spread * prior) ** 2, sd), sd) for scale in SCALES for sd in noises]
    model, sd = max(fits, key=lambda pair: pair[0].evidence)
    for _ in range(RELEVANCE_ROUNDS):
        model = task.solve(task.relevance(model), sd)
    return model


class _Task:
    """The runs, with each parameter's own kernel matrix made once."""

    def __init__(self, rows: Array, losses: Array, ordered: Flags) -> None:
        self._rows, self._losses, self._ordered = rows, losses, ordered
        self._moved = np.flatnonzero(rows.any(axis=0))
        shape = (len(self._moved), len(rows), len(rows))
        self._curves = np.array([_curve(rows[:, c], rows[:, c], ordered[c]) for c in self._moved]).reshape(shape)

    def solve(self, variances: Array, noise: Array) -> Surrogate:
        kernel = np.tensordot(variances[self._moved], self._curves, axes=1)
        jitter = 1e-9 * float(variances.max(initial=1.0))
        factor = np.linalg.cholesky(kernel + np.diag(noise**2 + jitter))
        inverse = np.linalg.inv(factor)
        white = inverse @ self._losses
        evidence = -0.5 * float(white @ white) - float(np.log(np.diag(factor)).sum())
        return Surrogate(self._rows, self._ordered, variances, inverse.T @ white, inverse, evidence)

    def relevance(self, model: Surrogate) -> Array:
        """Move each variance half-way (in logarithms) to what its curve's posterior shows."""
        variances = model.variances.copy()
        for curve, column in zip(self._curves, self._moved, strict=True):
            part = variances[column] * curve
            prior = np.diag(part)
            moved = prior > 0
            solved = model.inverse @ part
            energy = (part @ model.weights) ** 2 + np.maximum(prior - (solved**2).sum(axis=0), 0.0)
            share = float(np.mean(energy[moved] / prior[moved]))
            variances[column] *= np.sqrt(max(share, LEAST_RELEVANCE))
        return variances


def _curve(one: Array, two: Array, is_ordered: np.bool_) -> Array:
    """Kernel of a curve that is zero at the default: cov(f(x) - f(0), f(y) - f(0)) for unit variance."""
    flag = np.array([is_ordered])
    between = _bump((one[:, None] - two[None, :])[..., None], flag)[..., 0]
    to_one, to_two = _bump(one[:, None], flag)[:, 0], _bump(two[:, None], flag)[:, 0]
    return between - to_one[:, None] - to_two[None, :] + 1.0


def _bump(distance: Array, ordered: Flags) -> Array:
    """Covariance by distance, the last axis being the parameters; classes have none with each other."""
    smooth = np.exp(-0.5 * (distance / LENGTH) ** 2)
    return np.where(ordered, smooth, (distance == 0).astype(np.float64))
