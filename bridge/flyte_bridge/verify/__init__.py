"""Both sides, run and compared: what shows that a conversion (and later a cut-over) gives the same answers.

```
verify     run a source tree and its conversion on the same inputs, one verdict per workflow
verdict    what is said of one workflow
judge      the runs of both sides, and the verdict they give
imports    what a module imports from its own project
certificate what was shown, with the hashes of all that it depends on
samples    rows of inputs drawn from types
by_hand    which TODOs a converted workflow reaches
staging    source trees and their converted copies
inputs     which inputs: the user's, the `__main__` block's, the defaults, else generated from the types
values     plain (JSON) values to Python values of a type, and generated plain values
canonical  a Python value in a plain form that two processes can exchange
compare    two plain forms, and where they differ; frames has what is particular to frames
rules      what counts as the same beyond that; rules_file reads them from YAML
literals   Flyte 1's literals in the plain form; contents reads what they refer to
worker     the protocol of the two runners; runner_v1 imports flytekit only, runner_v2 flyte only
entities_v1 what Flyte 1's entities say about themselves
paths      the critical path of a converted driver, read from its source
process    starts a runner, watches it, ends it
clock      how long a runner has taken, less what it waited for a processor
report     verdicts as a table and as JSON
```

Nothing is imported here: the runners live in processes that may hold only one of the two SDKs.
"""
