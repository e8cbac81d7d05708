"""Whether a request to the object store was signed by who has its keys: AWS's signature version 4, in the header and in
pre-signed URLs, and version 2, of which boto3 still makes pre-signed URLs by default.

Sources: the S3 API reference, "Authenticating requests (AWS Signature Version 4)" and "Signing and authenticating REST
requests" (version 2). botocore has the other half; its import alone costs more than the rest of this process.

The hash of a payload is what the signature covers; `digests` holds it against what came. The signatures of single chunks
(`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`) are passed over: who could change a body on its way inside this machine can read the
keys, too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from flyte_bridge.embedded.objects.faults import S3Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flyte_bridge.embedded.objects.http import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"

SKEW = timedelta(minutes=15)
"""How far from our time a signed request may be: S3's own bound, after which an overheard request is of no use."""

LONGEST = 7 * 86_400
"""Seconds a pre-signed URL may be good for: S3's own bound."""

_UNSIGNED = "UNSIGNED-PAYLOAD"
_AMAZON = "x-amz-"
_COVERED = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-user-agent"})
"""Those of Amazon's headers that a signature covers by other means, or that ask for nothing."""

# fmt: off
_V2_RESOURCES = {
    "acl", "lifecycle", "location", "logging", "notification", "partNumber", "policy", "requestPayment", "torrent",
    "uploadId", "uploads", "versionId", "versioning", "versions", "website", "cors", "delete", "tagging", "restore",
    "response-content-type", "response-content-language", "response-expires", "response-cache-control",
    "response-content-disposition", "response-content-encoding",
}
# fmt: on
"""The query parameters that version 2 signs."""


@dataclass
class Verifier:
    """Knows one pair of keys.

    Attributes:
        access_key, secret_key: The pair.
    """

    access_key: str
    secret_key: str = field(repr=False)
    _signing_keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    def check(self, request: HttpRequest, now: datetime) -> None:
        """Refuse a request that our keys have not signed, or not for this moment.

        Raises:
            S3Fault: With S3's code for what is wrong.
        """
        authorization = request.headers.get("authorization", "")
        if "X-Amz-Signature" in request.query:
            self._check_v4_url(request, now)
        elif "AWSAccessKeyId" in request.query:
            self._check_v2_url(request, now)
        elif authorization.startswith(ALGORITHM):
            self._check_v4_header(request, authorization, now)
        elif authorization.startswith("AWS "):
            self._check_v2_header(request, authorization, now)
        else:
            raise S3Fault(
                "AccessDenied", "the embedded store wants signed requests; `flyte-bridge status` prints its keys"
            )

    def _check_v4_header(self, request: HttpRequest, authorization: str, now: datetime) -> None:
        fields = dict(
            part.strip().partition("=")[::2] for part in authorization.removeprefix(ALGORITHM).split(",") if "=" in part
        )
        try:
            credential, signed = fields["Credential"], fields["SignedHeaders"]
            given, payload = fields["Signature"], request.headers["x-amz-content-sha256"]
            date = request.headers["x-amz-date"]
        except KeyError as error:
            raise S3Fault("InvalidRequest", f"a signed request needs {error.args[0]}") from None
        if abs(_time(date) - now) > SKEW:
            raise S3Fault("RequestTimeTooSkewed", f"signed at {date}, and it is {now:%Y%m%dT%H%M%SZ}")
        self._check_v4(request, credential, signed, date, payload, given)

    def _check_v4_url(self, request: HttpRequest, now: datetime) -> None:
        query = request.query
        try:
            date, life = query["X-Amz-Date"], query["X-Amz-Expires"]
            credential, signed = query["X-Amz-Credential"], query["X-Amz-SignedHeaders"]
        except KeyError as error:
            raise S3Fault("AccessDenied", f"a pre-signed URL needs {error.args[0]}") from None
        if not (life.isascii() and life.isdigit() and len(life) < 9 and int(life) <= LONGEST):
            raise S3Fault("AccessDenied", f"X-Amz-Expires: a pre-signed URL is good for at most {LONGEST} seconds")
        begin = _time(date)
        if begin - now > SKEW:
            raise S3Fault("AccessDenied", f"Request is not valid yet: it was signed for {date}")
        if now > begin + timedelta(seconds=int(life)):
            raise S3Fault("AccessDenied", "Request has expired; ask for a new URL")
        self._check_v4(request, credential, signed, date, _UNSIGNED, query["X-Amz-Signature"])

    def _check_v4(
        self, request: HttpRequest, credential: str, signed: str, date: str, payload: str, given: str
    ) -> None:
        key, _, scope = credential.partition("/")
        self._check_key(key)
        names = signed.split(";")
        if "host" not in names or not scope.startswith(f"{date[:8]}/") or not scope.endswith("/s3/aws4_request"):
            raise S3Fault("AccessDenied", "a signature covers `host`, and is for the day of the request and for s3")
        headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
        for path, query in _spellings(request):
            canonical = "\n".join((request.method, path, query, headers, signed, payload))
            digest = hashlib.sha256(canonical.encode("latin-1", "replace")).hexdigest()
            text = f"{ALGORITHM}\n{date}\n{scope}\n{digest}"
            right = hmac.new(self._signing_key(scope), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
            if hmac.compare_digest(right.encode(), given.encode("utf-8", "replace")):
                _check_all_signed(request, names)
                return
        raise S3Fault("SignatureDoesNotMatch", "the request was signed with another key, or changed on its way")

    def _signing_key(self, scope: str) -> bytes:
        signing_key = self._signing_keys.get(scope)
        if signing_key is None:
            signing_key = f"AWS4{self.secret_key}".encode()
            for part in scope.split("/"):
                signing_key = hmac.new(signing_key, part.encode("utf-8", "replace"), hashlib.sha256).digest()
            if len(self._signing_keys) >= 64:  # one a day and region; a sender of nonsense shall not fill the memory
                self._signing_keys.clear()
            self._signing_keys[scope] = signing_key
        return signing_key

    def _check_v2_url(self, request: HttpRequest, now: datetime) -> None:
        query = request.query
        expires = query.get("Expires", "")
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
            raise S3Fault("AccessDenied", "a pre-signed URL needs to say when it ends")
        if now.timestamp() > int(expires):
            raise S3Fault("AccessDenied", "Request has expired; ask for a new URL")
        self._check_v2(request, query["AWSAccessKeyId"], expires, query.get("Signature", ""))

    def _check_v2_header(self, request: HttpRequest, authorization: str, now: datetime) -> None:
        key, _, given = authorization.removeprefix("AWS ").partition(":")
        told = request.headers.get("x-amz-date") or request.headers.get("date", "")
        try:
            date = parsedate_to_datetime(told)
        except ValueError:
            raise S3Fault("AccessDenied", "a signed request needs a date") from None
        if abs((date if date.tzinfo else date.replace(tzinfo=timezone.utc)) - now) > SKEW:
            raise S3Fault("RequestTimeTooSkewed", f"signed at {told}, and it is {now:%Y%m%dT%H%M%SZ}")
        self._check_v2(request, key, "" if "x-amz-date" in request.headers else told, given)

    def _check_v2(self, request: HttpRequest, key: str, moment: str, given: str) -> None:
        self._check_key(key)
        query, headers = request.query, request.headers
        amazon = "".join(
            f"{name}:{value.strip()}\n" for name, value in sorted(headers.items()) if name.startswith(_AMAZON)
        )
        resources = "&".join(
            f"{name}={value}" if value else name for name, value in sorted(query.items()) if name in _V2_RESOURCES
        )
        resource = request.path.decode("latin-1") + (f"?{resources}" if resources else "")
        promised = (headers.get("content-md5", ""), headers.get("content-type", ""))
        text = "\n".join((request.method, *promised, moment, amazon + resource))
        digest = hmac.new(self.secret_key.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
        if not hmac.compare_digest(base64.b64encode(digest), given.encode("utf-8", "replace")):
            raise S3Fault("SignatureDoesNotMatch", "the request was signed with another key, or changed on its way")

    def _check_key(self, key: str) -> None:
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self.access_key.encode()):
            raise S3Fault(
                "InvalidAccessKeyId", f"the embedded store knows no key {key!r}; `flyte-bridge status` prints its keys"
            )


def _check_all_signed(request: HttpRequest, signed: Iterable[str]) -> None:
    """Refuse what was added to a signed request: `x-amz-copy-source` would make an upload's URL one that reads all objects.

    Raises:
        S3Fault: One of Amazon's headers is not signed, which S3 refuses, too.
    """
    covered = _COVERED.union(signed)
    added = sorted(name for name in request.headers if name.startswith(_AMAZON) and name not in covered)
    if added:
        raise S3Fault(
            "AccessDenied", f"There were headers present in the request which were not signed: {', '.join(added)}"
        )


def _time(date: str) -> datetime:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise S3Fault("AccessDenied", f"{date!r} is no time; a signature's looks like 20270131T235959Z") from None


def _spellings(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Path and query as canonical text: as they were sent, and then in the spelling that the standard asks for.

    Senders sign what they send, but some escape more than they sign, or less.
    """
    pairs = [pair.partition("=")[::2] for pair in request.raw_query.split("&") if pair]
    pairs = [(name, value) for name, value in pairs if name != "X-Amz-Signature"]
    path = request.path.decode("latin-1")
    yield path, "&".join(f"{name}={value}" for name, value in sorted(pairs))
    spelled = sorted((_spelled(name), _spelled(value)) for name, value in pairs)
    yield quote(unquote_to_bytes(path), safe="/-_.~"), "&".join(f"{name}={value}" for name, value in spelled)


def _spelled(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")
