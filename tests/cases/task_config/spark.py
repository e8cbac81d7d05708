from flytekit import Resources, task
from flytekitplugins.spark import Spark


@task(
    task_config=Spark(
        spark_conf={"spark.driver.memory": "1000M", "spark.executor.instances": "2"},
        hadoop_conf={"fs.s3a.endpoint": "http://minio:9000"},
    ),
    limits=Resources(mem="2Gi"),
    cache=True,
    cache_version="1",
)
def pi(partitions: int) -> float:
    return 3.0 + partitions
