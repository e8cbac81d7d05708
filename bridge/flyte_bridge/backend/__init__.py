"""Flyte 2 as the bridge needs it: narrow verbs over a caller, and the object storage beside it.

`connect.connect(settings)` for a client, `connect.inside()` for a process that Flyte 2 runs itself.
"""
