"""The command line of flyte-bridge: one file per verb."""
