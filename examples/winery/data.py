"""From the laboratory's records to a clean table."""

import io
import os
from typing import Optional, Tuple

import pandas as pd
from flytekit import Resources, current_context, task, workflow
from flytekit.types.file import FlyteFile

from winery.records import WINES
from winery.settings import laboratory, small


@task(cache=True, cache_version="1.0", container_image=laboratory, requests=small, retries=2)
def load_measurements() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(WINES))


@task(container_image=laboratory, requests=small, limits=Resources(cpu="1", mem="1Gi"))
def clean(measurements: pd.DataFrame, max_proline: Optional[float] = None) -> pd.DataFrame:
    """Drop the wines whose proline lies above the limit, if there is one."""
    kept = measurements.dropna()
    if max_proline is not None:
        kept = kept[kept["proline"] <= max_proline]
    return kept.reset_index(drop=True)


@task(container_image=laboratory)
def count(measurements: pd.DataFrame) -> int:
    return len(measurements)


@task(container_image=laboratory)
def export(measurements: pd.DataFrame) -> FlyteFile:
    path = os.path.join(current_context().working_directory, "wines.csv")
    measurements.to_csv(path, index=False)
    return FlyteFile(path)


@task(container_image=laboratory)
def header(table: FlyteFile) -> str:
    with open(table) as lines:
        return lines.readline().strip()


@workflow
def ingest(max_proline: Optional[float] = None) -> Tuple[FlyteFile, int, str]:
    """The clean table as a file, how many wines it holds, and its header."""
    measurements = clean(measurements=load_measurements(), max_proline=max_proline)
    # counting does not wait for the export
    wines = count(measurements=measurements)
    table = export(measurements=measurements)
    return table, wines, header(table=table)


if __name__ == "__main__":
    print(ingest(max_proline=1200.0))
