"""Lloyd's algorithm."""

from __future__ import annotations

import random

from modulemap.features import Point


def distance(a: Point, b: Point) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b))


def nearest(point: Point, centers: list[Point]) -> int:
    return min(range(len(centers)), key=lambda i: distance(point, centers[i]))


def mean(points: list[Point]) -> Point:
    return tuple(sum(axis) / len(points) for axis in zip(*points))


def fit(points: list[Point], clusters: int, iterations: int, rng: random.Random) -> tuple[list[Point], float]:
    """Return centers and the sum of squared distances to them."""
    centers = rng.sample(points, clusters)
    for _ in range(iterations):
        groups: list[list[Point]] = [[] for _ in centers]
        for point in points:
            groups[nearest(point, centers)].append(point)
        centers = [mean(group) if group else center for group, center in zip(groups, centers)]
    return centers, sum(distance(point, centers[nearest(point, centers)]) for point in points)
