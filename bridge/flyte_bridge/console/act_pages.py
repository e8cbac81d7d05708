"""The forms of the console, and what they do once they are sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.keys import RunKey, TaskKey, TriggerKey
from flyte_bridge.console import fields, urls
from flyte_bridge.console.acts import Acts
from flyte_bridge.console.answers import elsewhere
from flyte_bridge.console.source import trigger_name
from flyte_bridge.console.tokens import FIELD
from flyte_bridge.console.views import shown_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from flyte_bridge.console.answers import Answer
    from flyte_bridge.console.render import Renderer
    from flyte_bridge.console.source import PageSource
    from flyte_bridge.console.tokens import FormTokens

    Page = Callable[..., Awaitable[Answer]]
    Sent = Mapping[str, str]

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

    def __init__(self, renderer: Renderer) -> None:
        """Args:
        renderer: Makes pages of templates.
        """
        self._renderer = renderer
        self.forms: tuple[tuple[str, Page], ...] = (
            (f"{_RUN}/abort", self._abort_form),
            (f"{_RUN}/relaunch", self._relaunch_form),
            (f"{_TASK}/launch", self._launch_form),
            (f"{_TRIGGER}/deactivate", self._state_form),
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

    # -- forms --------------------------------------------------------------------------------------------------------

    async def _abort_form(
        self, source: PageSource, tokens: FormTokens, _: Sent, domain: str, project: str, run: str
    ) -> Answer:
        key = RunKey(project, domain, run)
        await source.run(key)
        return await self._form(
            tokens, title=f"Abort {run}?", about=run, back=urls.run_url(key), button="Abort it", ends=True, reason=True,
            says="Everything that it runs is ended. What has succeeded stays, and can be recovered.",
            project=project, domain=domain,
        )  # fmt: skip

    async def _relaunch_form(
        self, source: PageSource, tokens: FormTokens, _: Sent, domain: str, project: str, run: str
    ) -> Answer:
        key = RunKey(project, domain, run)
        return await self._form(
            tokens, title=f"Run {run} again", about=run, back=urls.run_url(key), button="Run it",
            says="With these inputs, as a run of its own.", project=project, domain=domain,
            fields=fields.fields(await Acts(source).relaunch_form(key)),
        )  # fmt: skip

    async def _launch_form(
        self, source: PageSource, tokens: FormTokens, query: Sent, domain: str, project: str, task: str
    ) -> Answer:
        key = await _version(source, project, domain, task, query.get("version", ""))
        name = shown_name(task)
        return await self._form(
            tokens, title=f"Launch {name}", about=name, back=urls.task_url(project, domain, task), button="Launch it",
            says=f"Version {key.version}.", project=project, domain=domain,
            fields=fields.fields(await Acts(source).launch_form(key)), version=key.version,
        )  # fmt: skip

    async def _state_form(
        self, source: PageSource, tokens: FormTokens, _: Sent, domain: str, project: str, task: str, trigger: str
    ) -> Answer:
        """Asks before a trigger is deactivated: its schedule ends."""
        key = TriggerKey(project, domain, task, trigger)
        await source.backend.get_trigger(name=trigger_name(key))
        return await self._form(
            tokens, title=f"Deactivate {trigger}?", about=trigger, back=urls.trigger_url(key), button="Deactivate it",
            ends=True, says="It starts nothing until it is activated again; what it has started goes on.",
            project=project, domain=domain,
        )  # fmt: skip

    async def _form(self, tokens: FormTokens, **shown: Any) -> Answer:
        told: dict[str, Any] = {"fields": (), "reason": False, "ends": False, "version": ""} | shown
        return await self._renderer.page("form.html", token=tokens.make(), **told)

    # -- acts ---------------------------------------------------------------------------------------------------------

    async def _abort(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, run: str
    ) -> Answer:
        _name(tokens, sent)
        key = RunKey(project, domain, run)
        await Acts(source).abort(key, sent.get("reason") or "aborted in the console")
        return _done(urls.run_url(key))

    async def _relaunch(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, run: str
    ) -> Answer:
        name = _name(tokens, sent)
        key, acts = RunKey(project, domain, run), Acts(source)
        inputs = fields.read(await acts.relaunch_form(key), sent)
        return _done(urls.run_url(await acts.relaunch(key, name, inputs)))

    async def _recover(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, run: str
    ) -> Answer:
        _name(tokens, sent)
        return _done(urls.run_url(await Acts(source).recover(RunKey(project, domain, run))))

    async def _signal(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, run: str, action: str
    ) -> Answer:
        _name(tokens, sent)
        key = RunKey(project, domain, run)
        await Acts(source).signal(key.action(action), sent.get("value", ""))
        return _done(urls.run_url(key))

    async def _launch(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, task: str
    ) -> Answer:
        name, acts = _name(tokens, sent), Acts(source)
        key = await _version(source, project, domain, task, sent.get("version", ""))
        inputs = fields.read(await acts.launch_form(key), sent)
        return _done(urls.run_url(await acts.launch(key, name, inputs)))

    async def _set_launch_plan(
        self, source: PageSource, tokens: FormTokens, sent: Sent, domain: str, project: str, task: str, state: str
    ) -> Answer:
        _name(tokens, sent)
        key = await _version(source, project, domain, task, sent.get("version", ""))
        await Acts(source).set_launch_plan(key, state == "activate")
        return _done(urls.task_url(project, domain, task))

    async def _set_trigger(
        self,
        source: PageSource,
        tokens: FormTokens,
        sent: Sent,
        domain: str,
        project: str,
        task: str,
        trigger: str,
        state: str,
    ) -> Answer:
        _name(tokens, sent)
        key = TriggerKey(project, domain, task, trigger)
        await Acts(source).set_trigger(key, state == "activate")
        return _done(urls.trigger_url(key))


def _name(tokens: FormTokens, sent: Sent) -> str:
    """What a form starts is called so.

    Raises:
        InvalidRequest: The form is none of ours.
    """
    return tokens.check(sent.get(FIELD, ""))


async def _version(source: PageSource, project: str, domain: str, task: str, version: str) -> TaskKey:
    return TaskKey(project, domain, task, version) if version else await source.latest(project, domain, task)


def _done(path: str) -> Answer:
    return elsewhere(path, HTTPStatus.SEE_OTHER)
