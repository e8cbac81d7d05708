"""Tasks that run in a container made for them, and read what to do from their own template."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pandas as pd
import s3fs
from flytekit import Workflow, kwtypes
from flytekit.extras.sqlite3.task import SQLite3Config, SQLite3Task
from flytekit.types.schema import FlyteSchema

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed


def test_an_sql_task_gets_its_template(bed: Bed, tmp_path: Path) -> None:
    """Its command asks for the template's URI; what it selects comes back as a schema with its rows."""
    path = tmp_path / "numbers.db"
    with sqlite3.connect(path) as database:
        database.execute("create table numbers (n integer)")
        database.executemany("insert into numbers values (?)", [(n,) for n in range(5)])
    query = SQLite3Task(
        "shims.below",
        query_template="select n from numbers where n < {{ .inputs.limit }}",
        inputs=kwtypes(limit=int),
        output_schema_type=FlyteSchema[kwtypes(n=int)],
        task_config=SQLite3Config(uri=str(path)),
    )
    flow = Workflow(name="shims.flow")
    limit = flow.add_workflow_input("limit", int)
    node = flow.add_entity(query, limit=limit)
    flow.add_workflow_output("rows", node.outputs["results"], FlyteSchema[kwtypes(n=int)])
    done = bed.run(flow, limit=3)
    assert done.phase == "SUCCEEDED", done.error
    arguments = list(done.actions["n0"].task.task_template.container.args)
    assert any(word.endswith("/n0/task.pb") for word in arguments), arguments
    told = bed.storage_environment()
    files = s3fs.S3FileSystem(
        key=told["FLYTE_AWS_ACCESS_KEY_ID"],
        secret=told["FLYTE_AWS_SECRET_ACCESS_KEY"],
        endpoint_url=told["FLYTE_AWS_ENDPOINT"],
        skip_instance_cache=True,
    )
    (rows,) = files.ls(done.literals.literals["rows"].scalar.structured_dataset.uri)
    with files.open(rows) as data:
        assert pd.read_parquet(data)["n"].tolist() == [0, 1, 2]
