"""Flyte 1's control plane as a façade over `backend/`: every RPC implemented once, whichever way callers come in."""
