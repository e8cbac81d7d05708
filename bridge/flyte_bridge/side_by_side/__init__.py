"""Two control planes at once: what helps to move from Flyte 1 to Flyte 2 one launch plan at a time.

```
control_plane  one side, asked by Flyte 1's API: a flyteadmin, or Flyte 2 through the façade
sides          which sides the settings mean, and how a user names an execution on one
record         an execution and its nodes as a comparison needs them; reading fills it
comparison     two records, compared; judging has what needs no store, report shows it
converted      Flyte 2 where executions are runs of a converted task
launch_plans   how a user names a launch plan, and finding it
backfill       past fire times, run and compared; backfill_plan, _state and _report beside it
cutover        a schedule handed over, and taken back; cutover_journal, _sides, _checks and _actions beside it
following      one control plane for callers of both, by the cut-over's journal
shadow         what a schedule starts on Flyte 1, repeated on Flyte 2; shadow_journal beside it
```
"""
