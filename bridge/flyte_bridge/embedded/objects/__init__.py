"""Objects of the embedded backend: a local directory, spoken to as Python, as S3 and by signed URL."""

from flyte_bridge.embedded.objects.s3 import S3App
from flyte_bridge.embedded.objects.signature import Verifier
from flyte_bridge.embedded.objects.signed import SignedApp, Signer
from flyte_bridge.embedded.objects.store import DEFAULT_BUCKET, ObjectInfo, ObjectStore
from flyte_bridge.embedded.objects.writer import Writer

__all__ = ["DEFAULT_BUCKET", "ObjectInfo", "ObjectStore", "S3App", "SignedApp", "Signer", "Verifier", "Writer"]
