"""The workflow compiler, as flyteadmin runs it at registration and propeller for a dynamic node.

After `flytepropeller/pkg/compiler` (v1.16.8), rule by rule: its error codes, its order, its ids. Where we differ on purpose:

| Where | flyteadmin | Here |
|---|---|---|
| two nodes of one id | the second is dropped silently | `DuplicateId` |
| an upstream node that is not there | accepted when another edge reaches the node | `NodeReferenceNotFound` |
| a workflow that contains itself | the stack overflows | `CycleDetected` |
| a condition on a part of a value (`x.a == 1`) | compared with the type of the whole value | with the part's |
| a condition on an enum or an optional value | `MismatchingTypes` | accepted where one type can be cast to the other |
| a condition on a scalar that is no primitive (`is_none()`) | `ValueRequired` | accepted |
| an array node whose sub-node has its original interface (`array_node(launch_plan)`) | lists do not match | lists match |

The first three refuse what could never have run; the others accept what flytekit writes, and the driver runs it.
"""
