"""The forms of the console, and what they do once they are sent."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from flyte_bridge.embedded.console import fields, urls
from flyte_bridge.embedded.console.answers import elsewhere
from flyte_bridge.embedded.console.tokens import FIELD
from flyte_bridge.embedded.faults import NotFound
from flyte_bridge.embedded.model import RunKey, TaskKey, TriggerKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from flyte_bridge.embedded.console.acts import Acts
    from flyte_bridge.embedded.console.answers import Answer
    from flyte_bridge.embedded.console.source import PageSource
    from flyte_bridge.embedded.console.tokens import FormTokens
    from flyte_bridge.embedded.model import TaskRecord

    Page = Callable[..., Awaitable[Answer]]

_RUN = "/runs/(?P<run>[^/]+)"
_TASK = "/tasks/(?P<task>[^/]+)"
_TRIGGER = "/triggers/(?P<task>[^/]+)/(?P<trigger>[^/]+)"
_STATE = "/(?P<state>activate|deactivate)"


class ActPages:
    """Answers what the console's forms ask for.

    Attributes:
        forms: Paths below a project and domain, as patterns, and who shows the form.
        posts: The same for what is sent.
    """

    def __init__(self, source: PageSource, tokens: FormTokens, render: Page) -> None:
        """Args:
        source: The backend.
        tokens: Of forms.
        render: Makes a page of a template.
        """
        self._source, self._tokens, self._render = source, tokens, render
        self.forms: tuple[tuple[str, Page], ...] = (
            (f"{_RUN}/abort", self._abort_form),
            (f"{_RUN}/relaunch", self._relaunch_form),
            (f"{_TASK}/launch", self._launch_form),
        )
        self.posts: tuple[tuple[str, Page], ...] = (
            (f"{_RUN}/abort", self._abort),
            (f"{_RUN}/relaunch", self._relaunch),
            (f"{_RUN}/recover", self._recover),
            (f"{_RUN}/signal/(?P<action>[^/]+)", self._signal),
            (f"{_TASK}/launch", self._launch),
            (f"{_TASK}{_STATE}", self._set_launch_plan),
            (f"{_TRIGGER}{_STATE}", self._set_trigger),
        )

    @cached_property
    def _acts(self) -> Acts:
        from flyte_bridge.embedded.console.acts import Acts  # Flyte 1's messages, which a start does not pay for

        return Acts(self._source)

    # -- forms --------------------------------------------------------------------------------------------------------

    async def _abort_form(self, _: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        key = self._known(project, domain, run)
        return await self._form(
            title=f"Abort {run}?", about=run, back=urls.run_url(key), button="Abort it", ends=True, reason=True,
            says="Everything that it runs is ended. What has succeeded stays, and can be recovered.",
            project=project, domain=domain,
        )  # fmt: skip

    async def _relaunch_form(self, _: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        key = self._known(project, domain, run)
        return await self._form(
            title=f"Run {run} again", about=run, back=urls.run_url(key), button="Run it",
            says="With these inputs, as a run of its own.", project=project, domain=domain,
            fields=fields.fields(await self._acts.relaunch_form(key)),
        )  # fmt: skip

    async def _launch_form(self, query: Mapping[str, str], domain: str, project: str, task: str) -> Answer:
        record = self._version(project, domain, task, query.get("version", ""))
        return await self._form(
            title=f"Launch {task}", about=task, back=urls.task_url(project, domain, task), button="Launch it",
            says=f"Version {record.key.version}.", project=project, domain=domain,
            fields=fields.fields(await self._acts.launch_form(record)), version=record.key.version,
        )  # fmt: skip

    async def _form(self, **shown: object) -> Answer:
        told = {"fields": (), "reason": False, "ends": False, "version": ""} | shown
        return await self._render("form.html", token=self._tokens.make(), **told)

    # -- acts ---------------------------------------------------------------------------------------------------------

    async def _abort(self, sent: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        self._name(sent)
        key = RunKey(project, domain, run)
        await self._acts.abort(key, sent.get("reason") or "aborted in the console")
        return _done(urls.run_url(key))

    async def _relaunch(self, sent: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        name = self._name(sent)
        key = RunKey(project, domain, run)
        inputs = fields.read(await self._acts.relaunch_form(key), sent)
        return _done(urls.run_url(await self._acts.relaunch(key, name, inputs)))

    async def _recover(self, sent: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        name = self._name(sent)
        return _done(urls.run_url(await self._acts.recover(RunKey(project, domain, run), name)))

    async def _signal(self, sent: Mapping[str, str], domain: str, project: str, run: str, action: str) -> Answer:
        self._name(sent)
        key = RunKey(project, domain, run)
        await self._acts.signal(key.action(action), sent.get("value", ""))
        return _done(urls.run_url(key))

    async def _launch(self, sent: Mapping[str, str], domain: str, project: str, task: str) -> Answer:
        name = self._name(sent)
        record = self._version(project, domain, task, sent.get("version", ""))
        inputs = fields.read(await self._acts.launch_form(record), sent)
        return _done(urls.run_url(await self._acts.launch(record, name, inputs)))

    async def _set_launch_plan(
        self, sent: Mapping[str, str], domain: str, project: str, task: str, state: str
    ) -> Answer:
        self._name(sent)
        record = self._version(project, domain, task, sent.get("version", ""))
        await self._acts.set_launch_plan(record, state == "activate")
        return _done(urls.task_url(project, domain, task))

    async def _set_trigger(
        self, sent: Mapping[str, str], domain: str, project: str, task: str, trigger: str, state: str
    ) -> Answer:
        self._name(sent)
        key = TriggerKey(project, domain, task, trigger)
        await self._acts.set_trigger(key, state == "activate")
        return _done(urls.trigger_url(key))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _name(self, sent: Mapping[str, str]) -> str:
        """What a form starts is called so.

        Raises:
            InvalidRequest: The form is none of ours.
        """
        return self._tokens.check(sent.get(FIELD, ""))

    def _known(self, project: str, domain: str, run: str) -> RunKey:
        key = RunKey(project, domain, run)
        if self._source.ledger.find(key.action()) is None:
            raise NotFound(f"There is no run {key}.")
        return key

    def _version(self, project: str, domain: str, task: str, version: str) -> TaskRecord:
        if version:
            return self._source.tasks.get(TaskKey(project, domain, task, version))
        latest = self._source.tasks.latest(project, domain, task)
        if latest is None:
            raise NotFound(f"Task {project}/{domain}/{task} is not deployed any more.")
        return latest


def _done(path: str) -> Answer:
    return elsewhere(path, HTTPStatus.SEE_OTHER)
