"""What the training of each network costs, as a table."""

from pathlib import Path

import pandas as pd

from transferability.common.tables import check_table


def read_costs(path: Path) -> pd.DataFrame:
    """Read the table of `operations.costs_table`: split, network, operations, cost, seconds, memory_mb (see there).

    Raises InputError if it is damaged.
    """
    check_table(path)
    return pd.read_csv(path)
