from __future__ import annotations

import random
from collections import Counter

from modulemap import features, kmeans, settings


def main() -> None:
    modules = features.load()
    rng = random.Random(settings.RANDOM_STATE)
    centers, inertia = kmeans.fit(list(modules.values()), settings.CLUSTERS, settings.ITERATIONS, rng)
    sizes = Counter(kmeans.nearest(point, centers) for point in modules.values())
    print(f"{len(modules)} modules in {settings.CLUSTERS} groups: {sorted(sizes.values(), reverse=True)}")
    print(f"inertia: {inertia:.5f}")


if __name__ == "__main__":
    main()
