"""What everybody may know of the embedded backend without being it: how it is found and started, what it can run."""

TOKEN = "/oauth2/token"
"""The path of its token endpoint."""
