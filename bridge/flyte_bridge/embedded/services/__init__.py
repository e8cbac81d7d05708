"""The Connect services of the embedded backend."""
