import no_such_package
from flytekit import workflow
