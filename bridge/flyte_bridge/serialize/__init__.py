"""A user's flytekit file as the messages that would be registered: serialized by flytekit, in a process of its own."""
