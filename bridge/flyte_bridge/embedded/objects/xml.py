"""S3's XML, out and in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CONTENT_TYPE = ("content-type", "application/xml")

_CONTROL = re.compile("[\t\n\r\x7f]")
_NO_PLACE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot have, not even as references: one of them would make a whole list unreadable."""


def document(root: str, children: Iterable[tuple[str, object]]) -> bytes:
    """Return an XML document; a child is text, a number, a truth value, or again children.

    Control characters become character references, and those that XML 1.0 has no place for the replacement character:
    for these, clients ask for `encoding-type=url`.
    """
    namespace = "" if root == "Error" else f' xmlns="{NAMESPACE}"'
    inner = "".join(_element(name, value) for name, value in children)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{namespace}>{inner}</{root}>'
    return text.encode("utf-8")


def _element(name: str, value: object) -> str:
    if isinstance(value, bool):
        inner = "true" if value else "false"
    elif isinstance(value, (str, int)):
        inner = _CONTROL.sub(lambda match: f"&#x{ord(match.group()):X};", _NO_PLACE.sub("\ufffd", escape(str(value))))
    elif isinstance(value, list):
        inner = "".join(_element(child, grandchild) for child, grandchild in value)
    else:
        raise TypeError(f"{name}: {type(value).__name__} has no place in S3's XML")
    return f"<{name}>{inner}</{name}>"


def parse(data: bytes, root: str) -> ElementTree.Element:
    """Parse a request's document, with or without S3's namespace; UTF-8, whatever encoding it names.

    Raises:
        ValueError: It is not XML in UTF-8, has a document type (entities bomb, and S3 has none), or another root.
    """
    text = data.decode("utf-8-sig")  # in UTF-16 a document type would look like none
    if "\0" in text:  # UTF-16 without its mark, which the parser would recognize
        raise ValueError("a document is UTF-8, and has no character 0")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("document types are not allowed")
    try:
        tree = ElementTree.fromstring(text)  # nosec B314 - document types, and so entities, are refused above
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    if tree.tag != root:
        raise ValueError(f"the root is {tree.tag}, not {root}")
    return tree
