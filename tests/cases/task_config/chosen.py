import os

from flytekit import task
from flytekitplugins.spark import DatabricksV2 as Databricks
from flytekitplugins.spark import Spark

if os.environ.get("ON_DATABRICKS"):
    config = Databricks(spark_conf={"a": "1"}, databricks_instance="example.cloud.databricks.com")
else:
    config = Spark(spark_conf={"a": "1"})


@task(task_config=config)
def pi(n: int) -> float:
    return 3.0
