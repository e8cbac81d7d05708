"""Objects of the embedded backend: a local directory, spoken to as Python, as S3 and by signed URL."""

from flyte_bridge.embedded.objects.store import DEFAULT_BUCKET, ObjectInfo, ObjectStore
from flyte_bridge.embedded.objects.writer import Writer

__all__ = ["DEFAULT_BUCKET", "ObjectInfo", "ObjectStore", "Writer"]
