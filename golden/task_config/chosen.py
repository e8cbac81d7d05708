import os

import flyte
from flyteplugins.databricks import Databricks
from flyteplugins.spark import Spark

if os.environ.get("ON_DATABRICKS"):
    config = Databricks(spark_conf={"a": "1"}, databricks_instance="example.cloud.databricks.com")
else:
    config = Spark(spark_conf={"a": "1"})

env = flyte.TaskEnvironment(name="chosen", plugin_config=config)


@env.task
def pi(n: int) -> float:
    return 3.0
