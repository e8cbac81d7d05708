"""The body of a workflow: read into steps, shaped by its graph, written as awaits."""
