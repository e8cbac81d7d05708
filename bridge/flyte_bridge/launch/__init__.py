"""The one way to start an execution: for the façade's calls, launch-plan nodes, mapped launch plans and schedules.

Whoever starts one says what with a `Launch`, which nobody changes on its way, and hands it to a `Launcher`.
"""
