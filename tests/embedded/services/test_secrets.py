"""SecretService: values go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.secret import definition_pb2, payload_pb2

from .conftest import DOMAIN, PROJECT

if TYPE_CHECKING:
    from .conftest import HandClock, Running

VALUE = "a value nobody may see"


def _id(name: str, project: str = PROJECT, domain: str = DOMAIN) -> definition_pb2.SecretIdentifier:
    return definition_pb2.SecretIdentifier(name=name, project=project, domain=domain)


def _create(running: Running, name: str, value: Any = VALUE, project: str = PROJECT, domain: str = DOMAIN) -> None:
    kind = "binary_value" if isinstance(value, bytes) else "string_value"
    spec = definition_pb2.SecretSpec(**{kind: value})
    running.secrets.create_secret(payload_pb2.CreateSecretRequest(id=_id(name, project, domain), secret_spec=spec))


def _list(running: Running, **fields: Any) -> payload_pb2.ListSecretsResponse:
    request = payload_pb2.ListSecretsRequest(**{"project": PROJECT, "domain": DOMAIN, **fields})
    return running.secrets.list_secrets(request)


def test_a_secret_lives_and_dies(timed: Running, clock: HandClock) -> None:
    """Created once, told of without its value, replaced, deleted, gone."""
    _create(timed, "token")
    got = timed.secrets.get_secret(payload_pb2.GetSecretRequest(id=_id("token"))).secret
    assert got.id == _id("token")
    assert got.secret_metadata.created_time.seconds == clock.at // 1_000_000
    assert got.secret_metadata.secret_status.overall_status == definition_pb2.FULLY_PRESENT
    assert VALUE not in str(got)
    with pytest.raises(ConnectError) as error:
        _create(timed, "token")
    assert error.value.code is Code.ALREADY_EXISTS
    clock.at += 5_000_000
    spec = definition_pb2.SecretSpec(binary_value=b"new")
    timed.secrets.update_secret(payload_pb2.UpdateSecretRequest(id=_id("token"), secret_spec=spec))
    stored = timed.backend.secrets.get(PROJECT, DOMAIN, "token")
    assert stored is not None
    assert (stored.value, stored.created_at) == (b"new", clock.at - 5_000_000)
    timed.secrets.delete_secret(payload_pb2.DeleteSecretRequest(id=_id("token")))
    for call in (
        lambda: timed.secrets.get_secret(payload_pb2.GetSecretRequest(id=_id("token"))),
        lambda: timed.secrets.delete_secret(payload_pb2.DeleteSecretRequest(id=_id("token"))),
        lambda: timed.secrets.update_secret(payload_pb2.UpdateSecretRequest(id=_id("token"), secret_spec=spec)),
    ):
        with pytest.raises(ConnectError) as error:
            call()
        assert error.value.code is Code.NOT_FOUND


def test_scopes_are_apart(running: Running) -> None:
    """A project's secret, another domain's and everybody's may share a name; each is listed where it belongs."""
    _create(running, "token", "mine")
    _create(running, "token", "staging's", domain="staging")
    _create(running, "token", "everybody's", project="", domain="")
    assert [each.id for each in _list(running).secrets] == [_id("token")]
    assert [each.id for each in _list(running, project="", domain="").secrets] == [_id("token", "", "")]
    store = running.backend.secrets
    assert [store.find(*scope, "token").value for scope in ((PROJECT, DOMAIN), (PROJECT, "staging"), ("p", "d"))] == [
        b"mine",
        b"staging's",
        b"everybody's",
    ]


def test_pages(running: Running) -> None:
    """However long the pages, together they are all secrets, by name."""
    names = [f"s{number}" for number in range(7)]
    for name in reversed(names):
        _create(running, name)
    for limit in (1, 2, 3, 7, 50):
        found, token = [], ""
        while True:
            page = _list(running, limit=limit, token=token)
            found += [each.id.name for each in page.secrets]
            token = page.token
            if not token:
                break
        assert found == names


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": ""}, Code.INVALID_ARGUMENT),
        ({"name": "a/../b"}, Code.INVALID_ARGUMENT),
        ({"name": "x" * 254}, Code.INVALID_ARGUMENT),
        ({"name": "token", "domain": ""}, Code.INVALID_ARGUMENT),
        ({"name": "token", "project": ""}, Code.INVALID_ARGUMENT),
        ({"name": "token", "project": "nowhere"}, Code.NOT_FOUND),
        ({"name": "token", "value": "x" * ((1 << 20) + 1)}, Code.INVALID_ARGUMENT),
    ],
)
def test_what_cannot_be_a_secret(running: Running, fields: dict[str, Any], code: Code) -> None:
    """Bad names, half scopes, unknown projects and huge values have their status, and nothing is stored."""
    with pytest.raises(ConnectError) as error:
        _create(running, **fields)
    assert error.value.code is code
    assert not list(running.backend.layout.secrets.glob("*.json"))


def test_a_secret_needs_a_value(running: Running) -> None:
    """A secret without a value is refused, an empty one is not."""
    with pytest.raises(ConnectError) as error:
        running.secrets.create_secret(payload_pb2.CreateSecretRequest(id=_id("token")))
    assert error.value.code is Code.INVALID_ARGUMENT
    _create(running, "empty", "")
    assert running.backend.secrets.find(PROJECT, DOMAIN, "empty").value == b""


def test_files_are_the_owners_only(running: Running) -> None:
    """The directory can be entered, and its files read, by their owner alone; no half file is left."""
    _create(running, "token")
    directory = running.backend.layout.secrets
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert directory.stat().st_mode & 0o777 == 0o700
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_a_value_is_never_told(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs at their most talkative, nor errors, nor the record's own text have the value."""
    with caplog.at_level("DEBUG"):
        _create(running, "token")
        with pytest.raises(ConnectError) as error:
            _create(running, "token")
        path = next(running.backend.layout.secrets.glob("*.json"))
        secret = running.backend.secrets.find(PROJECT, DOMAIN, "token")
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(ConnectError) as broken:
            running.secrets.get_secret(payload_pb2.GetSecretRequest(id=_id("token")))
    assert "damaged" in broken.value.message
    assert "SecretService/CreateSecret" in caplog.text, "the log was listening"
    encoded = "YSB2YWx1ZSBub2JvZHkgbWF5IHNlZQ"
    for text in (caplog.text, error.value.message, broken.value.message, repr(secret)):
        assert VALUE not in text
        assert encoded not in text
