"""SettingsService: settings per organisation, domain and project; the nearer level wins.

What takes effect: newer releases of the real backend fill defaults into a run's spec at CreateRun, and so does this:
`run.max_action_concurrency`, `run.run_base_dir`, `run.default_queue`, `storage.raw_data_path`, `labels`, `annotations`
and `environment_variables`. The rest concerns clusters; it is kept, and given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.settings import settings_definition_pb2 as definition
from flyteidl2.settings import settings_service_pb2 as pb

from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound, NotNow

if TYPE_CHECKING:
    from flyteidl2.task import run_pb2
    from google.protobuf.message import Message

    from flyte_bridge.embedded.store import Store


class SettingsLevels:
    """The settings of every level."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, domain: str, project: str) -> pb.SettingsRecord | None:
        """What one level says; None if it says nothing."""
        row = self._store.one("SELECT * FROM settings WHERE domain = ? AND project = ?", (domain, project))
        if row is None:
            return None
        return pb.SettingsRecord(
            key=definition.SettingsKey(domain=domain, project=project),
            settings=definition.Settings.FromString(row["settings"]),
            version=row["version"],
        )

    def put(self, domain: str, project: str, settings: bytes, version: int) -> None:
        """Writes what one level says."""
        self._store.run("INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?)", (domain, project, settings, version))

    def levels(self, domain: str, project: str) -> list[pb.SettingsRecord]:
        """What the levels from the organisation down to this one say, those that say nothing with version 0."""
        keys = [("", "")]
        if domain:
            keys.append((domain, ""))
        if project:
            keys.append((domain, project))
        return [
            self.find(*key) or pb.SettingsRecord(key=definition.SettingsKey(domain=key[0], project=key[1]))
            for key in keys
        ]

    def merged(self, domain: str, project: str) -> definition.Settings:
        """What holds at a level: each setting from the nearest level that has a value for it."""
        result = definition.Settings()
        for number, record in enumerate(self.levels(domain, project)):
            _overlay(result, record.settings, number)
        return result

    def fill(self, run_spec: run_pb2.RunSpec, domain: str, project: str) -> None:
        """Fills what a run's spec leaves open from the settings of its project."""
        held = self.merged(domain, project)
        if not run_spec.queue:
            run_spec.queue = held.run.default_queue.string_value
        if not run_spec.max_action_concurrency:
            run_spec.max_action_concurrency = max(0, held.run.max_action_concurrency.int_value)
        if not run_spec.run_base_dir:
            run_spec.run_base_dir = held.run.run_base_dir.string_value
        if not run_spec.raw_data_storage.raw_data_prefix and held.storage.raw_data_path.string_value:
            run_spec.raw_data_storage.raw_data_prefix = held.storage.raw_data_path.string_value
        for entry in _entries(held.labels):
            if entry not in run_spec.labels.values:
                run_spec.labels.values[entry] = _entries(held.labels)[entry]
        for entry in _entries(held.annotations):
            if entry not in run_spec.annotations.values:
                run_spec.annotations.values[entry] = _entries(held.annotations)[entry]
        named = {pair.key for pair in run_spec.envs.values}
        for key, value in _entries(held.environment_variables).items():
            if key not in named:
                run_spec.envs.values.add(key=key, value=value)


def _entries(setting: definition.StringMapSetting) -> dict[str, str]:
    return dict(setting.map_value.entries) if setting.state == definition.SETTING_STATE_VALUE else {}


def _overlay(below: Message, above: Message, level: int) -> None:
    """Puts a nearer level over what holds so far; a leaf with the state INHERIT leaves it."""
    for field, value in above.ListFields():
        if field.message_type is None or field.is_repeated:
            continue
        if "state" in field.message_type.fields_by_name:
            if value.state != definition.SETTING_STATE_INHERIT:
                target = getattr(below, field.name)
                target.CopyFrom(value)
                target.scope_level = level
        else:
            _overlay(getattr(below, field.name), value, level)


class SettingsService:
    """The settings from outside."""

    def __init__(self, settings: SettingsLevels) -> None:
        self._settings = settings

    async def get_settings(self, request: pb.GetSettingsRequest, _ctx: Any) -> pb.GetSettingsResponse:
        """What holds at a level, with what it inherits."""
        key = _key(request.key)
        record = self._settings.find(key.domain, key.project)
        return pb.GetSettingsResponse(
            settingsRecord=pb.SettingsRecord(
                key=key,
                settings=self._settings.merged(key.domain, key.project),
                version=record.version if record else 0,
            )
        )

    async def get_settings_for_edit(
        self, request: pb.GetSettingsForEditRequest, _ctx: Any
    ) -> pb.GetSettingsForEditResponse:
        """What each level says by itself, from the organisation down."""
        key = _key(request.key)
        return pb.GetSettingsForEditResponse(requestedKey=key, levels=self._settings.levels(key.domain, key.project))

    async def create_settings(self, request: pb.CreateSettingsRequest, _ctx: Any) -> pb.CreateSettingsResponse:
        """Says something at a level for the first time; ALREADY_EXISTS afterwards."""
        key = _key(request.key)
        if self._settings.find(key.domain, key.project) is not None:
            raise AlreadyExists(f"settings for {_name(key)} exist already; update them with their version")
        return pb.CreateSettingsResponse(settingsRecord=self._write(key, request.settings, 1))

    async def update_settings(self, request: pb.UpdateSettingsRequest, _ctx: Any) -> pb.UpdateSettingsResponse:
        """Says something else; FAILED_PRECONDITION if the version is not the last one read."""
        key = _key(request.key)
        there = self._settings.find(key.domain, key.project)
        if there is None:
            raise NotFound(f"there are no settings for {_name(key)} yet; create them")
        if there.version != request.version:
            raise NotNow(
                f"settings for {_name(key)} are at version {there.version}, not {request.version}; read them again"
            )
        return pb.UpdateSettingsResponse(settingsRecord=self._write(key, request.settings, there.version + 1))

    def _write(self, key: definition.SettingsKey, settings: definition.Settings, version: int) -> pb.SettingsRecord:
        self._settings.put(key.domain, key.project, settings.SerializeToString(), version)
        return pb.SettingsRecord(key=key, settings=settings, version=version)


def _key(key: definition.SettingsKey) -> definition.SettingsKey:
    if key.project and not key.domain:
        raise InvalidRequest(f"settings of project {key.project!r} need the domain they are for")
    return key


def _name(key: definition.SettingsKey) -> str:
    return "/".join(part for part in (key.domain, key.project) if part) or "the organisation"
