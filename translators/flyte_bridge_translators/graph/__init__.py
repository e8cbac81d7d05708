"""The compile step, shared by everything that needs the shape of a workflow.

A workflow is a `networkx.DiGraph` of `model.Node`s. `passes` simplify it, `calls` turns it into nested, concurrent
calls, `draw` shows it. Nothing here knows protobuf or LibCST: what a node stands for travels in its opaque `payload`.
"""
