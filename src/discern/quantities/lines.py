"""Straight lines through contour points, little moved by the few that lie elsewhere."""

import numpy as np

from discern.quantities.slices import Array, Mask

_ROUNDS = 6


def fit_lines(x: Array, y: Array, valid: Mask, scale: Array) -> tuple[Array, Array]:
    """Return slope and intercept (N,) of y over x, (N, K) points each, by Cauchy weights.

    Points farther than about ``scale`` (N,) from the line lose their weight: 1 / (1 + (r/s)^2),
    iterated (Holland and Welsch, Commun Stat A6:813, 1977). NaN where fewer than three points
    are valid.

    >>> x = np.arange(8.0)[None]
    >>> y = np.where(x == 7, 9.0, 0.5 * x + 1)
    >>> slope, intercept = fit_lines(x, y, np.ones_like(x, bool), np.array([0.1]))
    >>> slope.round(2), intercept.round(2)
    (array([0.5]), array([1.]))
    """
    x, y = np.where(valid, x, 0.0), np.where(valid, y, 0.0)
    enough = valid.sum(axis=1) >= 3  # noqa: PLR2004 - a line with one point to spare
    weights = valid.astype(float)
    slope = intercept = np.full(len(x), np.nan)
    for step in range(_ROUNDS):
        total = np.maximum(weights.sum(axis=1), 1e-9)
        mean_x = (weights * x).sum(axis=1) / total
        mean_y = (weights * y).sum(axis=1) / total
        away = x - mean_x[:, None]
        variance = np.maximum((weights * away**2).sum(axis=1), 1e-9)
        slope = (weights * away * (y - mean_y[:, None])).sum(axis=1) / variance
        intercept = mean_y - slope * mean_x
        narrowing = scale * max(1.0, 4.0 / 2**step)  # wide at first: the start is least squares
        residual = y - slope[:, None] * x - intercept[:, None]
        weights = valid / (1 + (residual / narrowing[:, None]) ** 2)
    return np.where(enough, slope, np.nan), np.where(enough, intercept, np.nan)
