"""One settings model says which Flyte 2 is meant, and refuses what contradicts itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flyte_bridge import config
from flyte_bridge.errors import ConfigError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in config.Settings.model_fields:
        monkeypatch.delenv(config.PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


def test_nothing_set_means_the_embedded_backend_in_the_users_data_directory(tmp_path: Path) -> None:
    """Without an endpoint the embedded backend is meant, by the XDG rule."""
    settings = config.load()
    assert settings.embedded
    assert settings.auth_mode == "none"
    assert settings.data_dir == tmp_path / ".local" / "share" / "flyte-bridge"


def test_xdg_data_home_moves_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`XDG_DATA_HOME` is honoured."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert config.load().data_dir == tmp_path / "xdg" / "flyte-bridge"


def test_the_environment_is_read_and_arguments_go_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An argument wins over the environment; `None` is no argument; an empty variable is none either."""
    monkeypatch.setenv("FLYTE_BRIDGE_DATA_DIR", "~/data")
    monkeypatch.setenv("FLYTE_BRIDGE_ENDPOINT", "")
    assert config.load(data_dir=None).data_dir == tmp_path / "data"
    assert config.load(data_dir=tmp_path / "other").data_dir == tmp_path / "other"


@pytest.mark.parametrize(
    "spelling", ["flyte.example.com:443", "dns:///flyte.example.com:443", "https://flyte.example.com:443/"]
)
def test_an_endpoint_is_host_and_port_however_it_is_spelled(spelling: str) -> None:
    """The usual spellings of an endpoint mean the same."""
    settings = config.load(endpoint=spelling)
    assert settings.endpoint == "flyte.example.com:443"
    assert not settings.embedded


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"token": "t"}, "token"),
        ({"token_command": "get-token --audience 'a b'"}, "command"),
        ({"client_id": "c", "client_secret": "s"}, "client-credentials"),
        ({}, "none"),
    ],
)
def test_what_is_set_says_how_to_authenticate(given: dict[str, str], mode: str) -> None:
    """The way to authenticate follows from what is set."""
    assert config.load(endpoint="e:1", **given).auth_mode == mode


def test_a_token_command_is_split_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command comes as one variable and is run without a shell."""
    monkeypatch.setenv("FLYTE_BRIDGE_ENDPOINT", "e:1")
    monkeypatch.setenv("FLYTE_BRIDGE_TOKEN_COMMAND", "get-token --audience 'a b'")
    assert config.load().token_command == ("get-token", "--audience", "a b")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "t"}, "set FLYTE_BRIDGE_ENDPOINT, or unset FLYTE_BRIDGE_TOKEN"),
        ({"insecure": True}, "insecure only mean something with an endpoint"),
        ({"endpoint": "e:1", "client_id": "c"}, "client_id and client_secret belong together"),
        ({"endpoint": "e:1", "token": "t", "token_command": "c"}, "token and token_command are set: choose one"),
        ({"endpoint": "e:1", "insecure": True, "ca_cert": "ca.pem"}, "ca_cert has no use"),
        ({"endpoint": "http://host/path"}, "is no endpoint"),
        ({"endpoint": "e:1", "insecure": "perhaps"}, "insecure: "),
        ({"endpiont": "e:1"}, "endpiont: "),
    ],
)
def test_contradictions_are_refused(given: dict[str, object], said: str) -> None:
    """What contradicts itself or does not parse is a ConfigError that names the field."""
    with pytest.raises(ConfigError) as refused:
        config.load(**given)
    assert said in str(refused.value)


def test_secrets_are_not_shown() -> None:
    """Neither the settings nor an error about them show a token."""
    assert "hush" not in repr(config.load(endpoint="e:1", token="hush"))
    with pytest.raises(ConfigError) as refused:
        config.load(endpoint="e:1", token="hush", client_id="c", client_secret="hush")
    assert "hush" not in str(refused.value)


def test_how_tasks_run_is_read_from_lists_and_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas or lines between entries; nothing set means the machine as it is."""
    bare = config.load()
    assert (bare.task_images, bare.task_env, bare.task_cpus, bare.task_allow) == ({}, (), None, ())
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_IMAGES", "reg/a:1=/venvs/a, reg/*=/venvs/b:/src\nc=/d")
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_ENV", "AWS_PROFILE, MINE")
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_CPUS", "1.5")
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_ALLOW", "accelerators")
    settings = config.load()
    assert settings.task_images == {"reg/a:1": "/venvs/a", "reg/*": "/venvs/b:/src", "c": "/d"}
    assert settings.task_env == ("AWS_PROFILE", "MINE")
    assert (settings.task_cpus, settings.task_allow) == (1.5, ("accelerators",))


def _stated(text: str) -> dict[str, str]:
    """The default of each variable that a table of some page tells, by its name."""
    stated: dict[str, str] = {}
    for row in re.findall(r"^\| (`FLYTE_BRIDGE_.*) \| .* \| (.*) \|$", text, re.MULTILINE):
        names = re.findall(r"`(FLYTE_BRIDGE_\w+)`", row[0])
        values = re.findall(r"`(.+?)`", row[1]) or [row[1].partition(":")[0]] * len(names)
        stated.update(zip(names, values, strict=True))
    return stated


@pytest.mark.parametrize("page", ["configuration.md", "embedded.md"])
def test_the_defaults_that_pages_tell_are_the_defaults(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable is in the reference, and whatever a page says of it when it is not set holds."""
    stated = _stated((Path(__file__).parent.parent / "docs" / page).read_text())
    names = {f"FLYTE_BRIDGE_{name.upper()}" for name in config.Settings.model_fields}
    assert set(stated) == names if page == "configuration.md" else set(stated) < names
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    settings = config.load()
    for name, text in stated.items():
        value = getattr(settings, name.removeprefix("FLYTE_BRIDGE_").lower())
        if text == "unset":
            assert not value, name
        else:
            expected = text.replace("$XDG_DATA_HOME", "/data")
            assert (str(value).lower() if isinstance(value, bool) else str(value)) == expected, name


def test_connectors_are_a_list_of_task_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """None means that the endpoint has Flyte 2's own."""
    assert config.load().connectors == ()
    monkeypatch.setenv("FLYTE_BRIDGE_CONNECTORS", "trino, my-agent")
    assert config.load().connectors == ("trino", "my-agent")


@pytest.mark.parametrize(
    ("name", "value"), [("IMAGES", "reg/a"), ("ALLOW", "everything"), ("CPUS", "0"), ("FORKSERVERS", "perhaps")]
)
def test_what_tasks_cannot_run_with_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """By the setting's name."""
    monkeypatch.setenv(f"FLYTE_BRIDGE_TASK_{name}", value)
    with pytest.raises(ConfigError, match=f"task_{name.lower()}"):
        config.load()
