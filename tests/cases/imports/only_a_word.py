"""This file only talks about flytekit."""

NAME = "flytekit"


def is_flyte(requirement: str) -> bool:
    return requirement.startswith(NAME)
