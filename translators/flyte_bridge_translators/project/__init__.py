"""What lies around the source of a project, and speaks of Flyte 1: commands, packages, configuration, prose."""
