"""MovieLens-100K: what 943 people thought of 1,682 films (Harper and Konstan 2015)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symbackprop.spec.syntax import InputDeclaration
from symbackprop.training.dataset import Dataset, check_classes
from symbackprop.training.packages import installed

USERS, ITEMS = 943, 1682


def movielens(inputs: Mapping[str, InputDeclaration]) -> Dataset:
    """`user` [N] and `item` [N], numbered from 0, and `rating` [N], 1 to 5, of 100,000 ratings.

    Raises CallError without the package recbole, or for other numbers of users or items.
    """
    check_classes(inputs, "movielens", {"user": USERS, "item": ITEMS})
    path = installed("recbole", "dataset_example/ml-100k/ml-100k.inter", "movielens")
    table = np.loadtxt(path, delimiter="\t", skiprows=1, usecols=(0, 1, 2))
    user, item = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1
    return Dataset({"user": user, "item": item, "rating": table[:, 2]})
