from flytekit import workflow

raise RuntimeError("not today")
