"""What everybody may know of the embedded backend without being it: where it runs, what it can run, and of which size."""

TOKEN = "/oauth2/token"
"""The path of its token endpoint."""
