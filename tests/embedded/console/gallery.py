"""What the console is looked at with: workflows with everything that its pages can show."""

from __future__ import annotations

FLYTE_1 = '''
    import typing
    from datetime import timedelta

    import flytekit
    import pandas as pd
    from flytekit import CronSchedule, Deck, LaunchPlan, approve, conditional, dynamic, map_task, task, wait_for_input, workflow
    from flytekit.types.directory import FlyteDirectory
    from flytekit.types.file import FlyteFile


    @task
    def vineyards(season: int) -> typing.List[int]:
        """Which vineyards are picked."""
        return list(range(season % 7 + 3))


    @task
    def pick(vineyard: int) -> float:
        print(f"vineyard {vineyard}: picked")
        return 1.5 * vineyard


    @task
    def weigh(crates: typing.List[float]) -> float:
        return sum(crates)


    @task(enable_deck=True)
    def ferment(must: float) -> float:
        Deck("Fermentation", f"<h2>{must} hl</h2><p>at 18 degrees</p>")
        return must * 0.9


    @task
    def bottle(wine: float) -> int:
        if wine > 4:
            raise ValueError(f"{wine:.1f} hl do not fit into the bottles there are")
        return int(wine * 133)


    @task
    def vinegar(wine: float) -> int:
        return 0


    @dynamic
    def blend(wine: float, parts: int) -> float:
        return weigh(crates=[ferment(must=wine) for _ in range(parts)])


    @workflow
    def harvest(season: int) -> float:
        return weigh(crates=map_task(pick)(vineyard=vineyards(season=season)))


    @workflow
    def cellar(must: float) -> float:
        return blend(wine=ferment(must=must), parts=2)


    cellar_plan = LaunchPlan.get_or_create(cellar, "winery.cellar")


    @workflow
    def vintage(season: int = 2024) -> int:
        """From the vineyard into the bottle."""
        wine = cellar_plan(must=harvest(season=season))
        return (
            conditional("sells").if_(wine < 0.1).then(vinegar(wine=wine)).else_().then(bottle(wine=wine))
        )


    nightly = LaunchPlan.get_or_create(
        vintage, "winery.nightly", default_inputs={"season": 2025}, schedule=CronSchedule(schedule="0 3 * * *")
    )


    @task
    def tasting() -> typing.Tuple[pd.DataFrame, FlyteFile, FlyteDirectory, typing.Dict[str, str]]:
        place = flytekit.current_context().working_directory
        frame = pd.DataFrame({"vineyard": [f"no. {n}" for n in range(40)], "points": [80 + n % 20 for n in range(40)]})
        import os, struct, zlib
        rows = b"".join(b"\\x00" + bytes((40 + 3 * x, 20, 60 + 2 * y) [c] for x in range(64) for c in range(3)) for y in range(48))
        chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        label = os.path.join(place, "label.png")
        with open(label, "wb") as file:
            file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0))
                       + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
        notes = os.path.join(place, "notes")
        os.makedirs(notes, exist_ok=True)
        for name in ("red.txt", "white.txt"):
            with open(os.path.join(notes, name), "w") as file:
                file.write(f"{name}: <b>dry</b>")
        return frame, FlyteFile(label), FlyteDirectory(notes), {"nose": "cherry " * 200, "finish": "long"}


    @task
    def spoils() -> int:
        return 1


    @workflow
    def tasted() -> typing.Tuple[pd.DataFrame, FlyteFile, FlyteDirectory, typing.Dict[str, str]]:
        return tasting()


    @workflow
    def release(bottles: int = 100) -> int:
        price = wait_for_input("price", timeout=timedelta(hours=1), expected_type=int)
        return spoils() if False else approve(price, "sell it", timeout=timedelta(hours=1))
'''
