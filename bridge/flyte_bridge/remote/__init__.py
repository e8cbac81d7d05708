"""The ways in to Flyte 1's control plane: in process, as a script's or a CLI's host, and on the wire."""
