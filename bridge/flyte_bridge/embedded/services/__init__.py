"""The services, one module each, named as in `flyteidl2`."""
