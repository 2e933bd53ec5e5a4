"""What is kept of each run so that others can be compared with it: one number per item, or per draw.

Runs of one definition have their items in one order and their bootstrap draws from one seed. So the numbers of two
runs pair up by their place, and a comparison needs neither the data nor the predictions again.
"""

import zlib
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from evaluation.metrics.arrays import Floats, Ints

Kind = Literal["items", "draws", "clusters"]
_ON_DISK: Final[dict[Kind, np.dtype[Any]]] = {
    "items": np.dtype("<f4"),
    "draws": np.dtype("<f8"),
    "clusters": np.dtype("<i4"),
}


@dataclass(frozen=True)
class Column:
    """`items`: the metric of each item, its mean is the value. `draws`: a corpus metric under each bootstrap draw.

    `clusters` has no metric: the number of the cluster that each item belongs to.
    """

    metric: str
    kind: Kind
    values: Floats

    def packed(self) -> bytes:
        """Small enough for a row: zeros and ones of a million items take a tenth of a megabyte."""
        return zlib.compress(self.values.astype(_ON_DISK[self.kind]).tobytes(), 6)


def unpacked(metric: str, kind: Kind, stored: bytes) -> Column:
    """The column that `packed` made these bytes of."""
    return Column(metric, kind, np.frombuffer(zlib.decompress(stored), dtype=_ON_DISK[kind]).astype(np.float64))


def cluster_column(clusters: Ints) -> Column:
    return Column("", "clusters", clusters.astype(np.float64))
