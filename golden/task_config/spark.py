import flyte
from flyteplugins.spark import Spark

env = flyte.TaskEnvironment(
    name="spark",
    resources=flyte.Resources(memory="2Gi"),
    plugin_config=Spark(
        spark_conf={"spark.driver.memory": "1000M", "spark.executor.instances": "2"},
        hadoop_conf={"fs.s3a.endpoint": "http://minio:9000"},
    ),
)


@env.task(cache=flyte.Cache("auto", version_override="1"))
def pi(partitions: int) -> float:
    return 3.0 + partitions
