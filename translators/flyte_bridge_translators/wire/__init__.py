"""Flyte 1 messages (`flyteidl`) to and from Flyte 2 messages (`flyteidl2`): pure, one v1 concept = one module.

What both share (literals, types, interfaces, task templates) is wire compatible and re-parsed from its bytes; what only
Flyte 1 has (workflows, launch plans, executions) is translated here.
"""
