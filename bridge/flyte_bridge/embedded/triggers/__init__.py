"""Triggers: schedules that start runs.

`cron` reads expressions, `schedule` a trigger's automation, `repository` keeps triggers and their revisions, and
`scheduler` fires what is due. The service that clients talk to is `services.trigger`.
"""
