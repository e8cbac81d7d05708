"""Is last week's wine still the wine the model knows?"""

from datetime import datetime, timedelta
from typing import Dict, List, Tuple

import pandas as pd
from flytekit import task, workflow

from winery.data import load_measurements
from winery.features import select
from winery.settings import laboratory, small


@task
def last(days: int) -> timedelta:
    return timedelta(days=days)


@task(container_image=laboratory, requests=small)
def bottled(measurements: pd.DataFrame, until: datetime, window: timedelta) -> pd.DataFrame:
    """The wines bottled in the window: two a day, in the order of the records, around the year."""
    first = (until - window).timetuple().tm_yday * 2
    rows = [row % len(measurements) for row in range(first, first + 2 * window.days)]
    return measurements.iloc[rows].reset_index(drop=True)


@task(container_image=laboratory, requests=small)
def drift(reference: pd.DataFrame, recent: pd.DataFrame) -> Dict[str, float]:
    """How many standard deviations each measurement has moved."""
    shift = (recent.mean() - reference.mean()) / reference.std()
    return {str(name): float(value) for name, value in shift.items()}


@task
def alarms(shift: Dict[str, float], threshold: float) -> List[str]:
    return sorted(name for name, value in shift.items() if abs(value) > threshold)


@task
def next_check(checked: datetime, alarmed: List[str]) -> datetime:
    return checked + (timedelta(hours=6) if alarmed else timedelta(days=1))


@workflow
def monitor(
    kickoff_time: datetime, days: int = 7, threshold: float = 0.5
) -> Tuple[Dict[str, float], List[str], datetime]:
    """Compare the last bottles with all of them, and say when to look again."""
    reference = select(measurements=load_measurements())
    recent = bottled(measurements=reference, until=kickoff_time, window=last(days=days))
    shift = drift(reference=reference, recent=recent)
    alarmed = alarms(shift=shift, threshold=threshold)
    return shift, alarmed, next_check(checked=kickoff_time, alarmed=alarmed)


if __name__ == "__main__":
    print(monitor(kickoff_time=datetime(2024, 3, 1, 2, 0), days=14))
