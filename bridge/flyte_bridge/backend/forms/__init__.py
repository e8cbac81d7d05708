"""Launch forms: Flyte's types and literals as the JSON schema a form is drawn from, and back.

A form is a JSON schema whose `default`s are the values. The forms are the real backend's (flyteorg/flyte,
`dataproxy/converter/literal_json_converter.go`), so a console made for that one works with this one.
"""

from flyte_bridge.backend.forms.form import fill, from_task, from_values, read

__all__ = ["fill", "from_task", "from_values", "read"]
