"""Every finding code there is. Ranges: FB1xx engine, names and imports; FB2xx workflows; FB3xx settings and launch plans;
FB4xx data and context; FB5xx verification; FB6xx the files around the source. A code is never reused for something else.
"""

from __future__ import annotations

from flyte_bridge_translators.findings import Code
from flyte_bridge_translators.findings.catalogue import data, engine, project, settings, verification, workflows

CATALOGUE: dict[str, Code] = {
    code.code: code
    for codes in (engine.CODES, workflows.CODES, settings.CODES, data.CODES, verification.CODES, project.CODES)
    for code in codes
}
"""Code → its entry, in order."""
