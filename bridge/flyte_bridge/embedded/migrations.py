"""The schema, as the ordered list of steps that lead to it.

A step never changes once it is in a release: append a new one. Each runs in its own transaction and is remembered by
SQLite's `user_version`: an older data directory is brought up to date when it is opened, a newer one refused.
"""

from __future__ import annotations

from typing import NamedTuple


class Migration(NamedTuple):
    """One step: its name, for messages, and its statements."""

    name: str
    sql: str


_ACTIONS = """
CREATE TABLE actions (
  id INTEGER PRIMARY KEY,
  project TEXT NOT NULL, domain TEXT NOT NULL, run_name TEXT NOT NULL, name TEXT NOT NULL,
  parent TEXT,
  action_group TEXT NOT NULL,
  type INTEGER NOT NULL,
  phase INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
  duration_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  cache_status INTEGER NOT NULL,
  subject TEXT NOT NULL,
  source INTEGER NOT NULL,
  trigger_task_name TEXT, trigger_name TEXT, trigger_revision INTEGER NOT NULL, trigger_type INTEGER NOT NULL,
  task_project TEXT, task_domain TEXT, task_name TEXT, task_version TEXT,
  task_type TEXT NOT NULL, short_name TEXT NOT NULL, function_name TEXT NOT NULL, environment TEXT NOT NULL,
  cache_key TEXT NOT NULL,
  input_uri TEXT NOT NULL, run_output_base TEXT NOT NULL, output_uri TEXT NOT NULL, report_uri TEXT NOT NULL,
  spec_digest BLOB NOT NULL, spec BLOB NOT NULL, run_spec BLOB NOT NULL,
  error BLOB NOT NULL, abort BLOB NOT NULL, signal BLOB NOT NULL,
  recovered_from TEXT NOT NULL,
  UNIQUE (project, domain, run_name, name)
);
-- the default order of lists, so that no page sorts what is stored
CREATE INDEX actions_default ON actions (project, domain, run_name, phase, created_at DESC, name DESC);
CREATE INDEX actions_children ON actions (project, domain, run_name, parent);
CREATE INDEX actions_open ON actions (id) WHERE phase IN (0, 1, 2, 3, 4, 9);
CREATE INDEX actions_aborted ON actions (id) WHERE phase = 7;
CREATE INDEX actions_paused ON actions (project, domain, run_name) WHERE phase = 9;
CREATE INDEX runs_default ON actions (project, domain, phase, created_at DESC, run_name DESC) WHERE parent IS NULL;
CREATE INDEX runs_created ON actions (project, domain, created_at) WHERE parent IS NULL;
CREATE INDEX runs_updated ON actions (project, domain, updated_at) WHERE parent IS NULL;
CREATE INDEX runs_task ON actions (project, domain, task_name, created_at) WHERE parent IS NULL;
CREATE INDEX runs_trigger ON actions (project, domain, trigger_name, created_at)
  WHERE parent IS NULL AND trigger_name IS NOT NULL;
CREATE INDEX runs_all ON actions (created_at) WHERE parent IS NULL;

-- append-only: no statement of ours updates or deletes here
CREATE TABLE log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  action_id INTEGER NOT NULL REFERENCES actions (id),
  kind INTEGER NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  phase INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX log_action ON log (action_id, seq);
CREATE TRIGGER log_never_changes BEFORE UPDATE ON log
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_never_forgets BEFORE DELETE ON log
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TABLE run_labels (
  action_id INTEGER NOT NULL REFERENCES actions (id), key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (action_id, key)
) WITHOUT ROWID;
CREATE INDEX run_labels_value ON run_labels (key, value);

-- ten thousand children of one task share one spec
CREATE TABLE task_specs (digest BLOB PRIMARY KEY, spec BLOB NOT NULL) WITHOUT ROWID;
"""

_REGISTRY = """
CREATE TABLE projects (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL,
  state INTEGER NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  project TEXT NOT NULL, domain TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  spec_digest BLOB NOT NULL,
  short_name TEXT NOT NULL, environment TEXT NOT NULL, function_name TEXT NOT NULL,
  env_description TEXT NOT NULL, short_description TEXT NOT NULL, deployed_by TEXT NOT NULL,
  is_entrypoint INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (project, domain, name, version)
);
CREATE INDEX tasks_latest ON tasks (project, domain, name, created_at DESC, id DESC);

CREATE TABLE cache_entries (
  project TEXT NOT NULL, domain TEXT NOT NULL, key TEXT NOT NULL,
  output BLOB NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (project, domain, key)
) WITHOUT ROWID;
CREATE TABLE cache_reservations (
  project TEXT NOT NULL, domain TEXT NOT NULL, key TEXT NOT NULL,
  owner TEXT NOT NULL, heartbeat INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  PRIMARY KEY (project, domain, key)
) WITHOUT ROWID;

CREATE TABLE settings (
  domain TEXT NOT NULL, project TEXT NOT NULL, settings BLOB NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (domain, project)
) WITHOUT ROWID;
"""

_TRIGGERS = """
CREATE TABLE triggers (
  project TEXT NOT NULL, domain TEXT NOT NULL, task_name TEXT NOT NULL, name TEXT NOT NULL,
  revision INTEGER NOT NULL, active INTEGER NOT NULL,
  task_version TEXT NOT NULL, automation_type TEXT NOT NULL,
  spec BLOB NOT NULL, automation BLOB NOT NULL, description TEXT NOT NULL,
  deployed_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, triggered_at INTEGER, deleted_at INTEGER,
  -- since when the schedule counts, and the newest fire time that was dealt with
  counts_from INTEGER NOT NULL, last_fire INTEGER, last_error TEXT NOT NULL,
  PRIMARY KEY (project, domain, task_name, name)
) WITHOUT ROWID;
CREATE INDEX triggers_active ON triggers (automation_type) WHERE active = 1 AND deleted_at IS NULL;

CREATE TABLE trigger_revisions (
  project TEXT NOT NULL, domain TEXT NOT NULL, task_name TEXT NOT NULL, name TEXT NOT NULL,
  revision INTEGER NOT NULL, active INTEGER NOT NULL,
  task_version TEXT NOT NULL, automation_type TEXT NOT NULL,
  spec BLOB NOT NULL, automation BLOB NOT NULL, description TEXT NOT NULL,
  deployed_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, triggered_at INTEGER, deleted_at INTEGER,
  action INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (project, domain, task_name, name, revision)
) WITHOUT ROWID;
"""

_PROJECTS_UPDATED = """
ALTER TABLE projects ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET updated_at = created_at;
"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration("actions and their log", _ACTIONS),
    Migration("projects, tasks, cache, settings", _REGISTRY),
    Migration("triggers and their revisions", _TRIGGERS),
    Migration("when projects were changed", _PROJECTS_UPDATED),
)
"""All steps, oldest first. Append yours at the end; step n takes `user_version` from n-1 to n."""
