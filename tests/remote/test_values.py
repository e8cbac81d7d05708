"""What goes up and down with an execution: directories, frames, notebooks' code, reports, and values by their flyte:// URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import User

SCRIPT = """\
    import pathlib

    import pandas as pd
    from flytekit import Deck, current_context, task, workflow
    from flytekit.configuration import Config
    from flytekit.remote import FlyteRemote
    from flytekit.types.directory import FlyteDirectory
    from flytekit.types.file import FlyteFile


    @task(enable_deck=True)
    def look(folder: FlyteDirectory, frame: pd.DataFrame) -> tuple[int, pd.DataFrame]:
        Deck("Words", "<b>said in the deck</b>")
        size = sum(len(path.read_text()) for path in pathlib.Path(folder.download()).rglob("*") if path.is_file())
        return size, frame * 2


    @workflow
    def looking(folder: FlyteDirectory, frame: pd.DataFrame) -> tuple[int, pd.DataFrame]:
        return look(folder=folder, frame=frame)


    @task
    def pickled(x: int) -> int:
        return x * factor


    @workflow
    def notebook(x: int) -> int:
        return pickled(x=x)


    if __name__ == "__main__":
        factor = 7  # a name that an import of this file would not have
        place = {"default_project": "flytesnacks", "default_domain": "development"}
        remote = FlyteRemote(Config.for_endpoint("flyte.mycorp.example"), **place)

        folder = pathlib.Path("folder")
        (folder / "deep").mkdir(parents=True)
        (folder / "a.txt").write_text("1234")
        (folder / "deep" / "b.txt").write_text("56")
        (folder / "empty.txt").write_text("")
        frame = pd.DataFrame({"x": [1, 2]})
        execution = remote.execute(looking, inputs={"folder": str(folder), "frame": frame}, wait=True)
        assert execution.outputs["o0"] == 6, execution.error
        assert execution.outputs.get("o1", pd.DataFrame)["x"].tolist() == [2, 4]
        downloaded = pathlib.Path("downloaded")
        remote.download(execution.outputs, str(downloaded))
        assert any(path.is_file() for path in downloaded.rglob("*"))

        name = execution.id.name
        base = f"flyte://v1/flytesnacks/development/{name}/n0"
        assert remote.get(f"{base}/o").literals["o0"].scalar.primitive.integer == 6
        assert remote.get(f"{base}/o/o0").scalar.primitive.integer == 6
        assert set(remote.get(f"{base}/i").literals) == {"folder", "frame"}
        assert b"said in the deck" in remote.get(f"{base}/d")
        assert remote.get(f"{base}/o/nothing") is None
        deck = remote.client.get_download_artifact_signed_url("n0", "flytesnacks", "development", name)
        assert deck.signed_url[0].startswith("http")

        interactive = FlyteRemote(Config.for_endpoint("flyte.mycorp.example"), interactive_mode_enabled=True, **place)
        assert interactive.wait(interactive.execute(notebook, inputs={"x": 6})).outputs["o0"] == 42
        print("ALL DONE")
"""


def test_what_goes_up_and_down(user: User) -> None:
    """A local directory and a frame are uploaded and come back, decks are read, values are found by URL, and a notebook's
    tasks are pickled."""
    done = user.try_bridge("exec", user.write("script.py", SCRIPT))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "ALL DONE" in done.stdout
