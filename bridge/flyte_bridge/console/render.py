"""Pages from templates, and the two files beside them."""

from __future__ import annotations

import asyncio
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING

from flyte_bridge.console import text, urls
from flyte_bridge.console.answers import Answer

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_STATIC = {"console.css": b"text/css; charset=utf-8", "console.js": b"text/javascript; charset=utf-8"}


class Renderer:
    """Makes pages."""

    def __init__(self, *, can_leave: bool) -> None:
        """Args:
        can_leave: Whether pages have a button to log out.
        """
        self._can_leave = can_leave

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("flyte_bridge.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {"phase": text.phase, "at": text.at, "duration": text.duration}
        environment.globals |= {"urls": urls, "can_leave": self._can_leave}
        return environment

    def template(self, name: str) -> Template:
        """A template."""
        return self._templates.get_template(name)

    async def page(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Answer:
        """A page, made beside the event loop: thousands of rows take a moment, and RPCs must not wait for it."""
        said = await asyncio.to_thread(self.template(template).render, **values)
        return Answer(status, said.encode("utf-8", "replace"))

    def static(self, name: str) -> Answer | None:
        """One of the files, None if it is none of ours."""
        content_type = _STATIC.get(name)
        if content_type is None:
            return None
        content = files("flyte_bridge.console").joinpath("static").joinpath(name).read_bytes()
        return Answer(HTTPStatus.OK, content, content_type)
