"""Array annotations with named axes, such as Float[Array, "batch time"]. They are for the reader; nothing is checked."""

from typing import Annotated

import numpy as np

Array = np.ndarray


class _Kind(type):
    def __getitem__(cls, item):
        array, axes = item
        return Annotated[array, cls.__name__, axes]


class Float(metaclass=_Kind):
    pass


class Int(metaclass=_Kind):
    pass
