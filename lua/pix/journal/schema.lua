--- The journal's tables, version by version. SQL that SQLite, PostgreSQL, CockroachDB and
-- YugabyteDB take: text keys made by us, no sequences, no advisory locks.
--
-- Times are whole milliseconds, states and statuses small numbers (record.lua): a row stays short.
local M = {}

-- Each step brings the schema from one version to the next; steps are never changed, only added.
M.steps = {
  {
    -- One row per (reference, kind): what was asked for, and which operation speaks for it now. One
    -- column holds the operation, so there cannot be two presentable codes (G7).
    [[CREATE TABLE pix_order (
      reference TEXT NOT NULL, kind TEXT NOT NULL, params TEXT NOT NULL, operation TEXT NOT NULL,
      created BIGINT NOT NULL, PRIMARY KEY (reference, kind))]],
    -- One row per operation at a provider: the intent, what became of it, who works on it.
    [[CREATE TABLE pix_operation (
      id TEXT PRIMARY KEY, reference TEXT NOT NULL, kind TEXT NOT NULL, provider TEXT NOT NULL,
      amount BIGINT, state SMALLINT NOT NULL, status SMALLINT NOT NULL, orphan SMALLINT NOT NULL,
      charge_id TEXT, code TEXT, code_kind TEXT, expires BIGINT, data TEXT,
      due BIGINT, worker TEXT, lease BIGINT, fence BIGINT NOT NULL,
      created BIGINT NOT NULL, updated BIGINT NOT NULL)]],
    "CREATE INDEX pix_operation_due ON pix_operation (due) WHERE due IS NOT NULL",
    "CREATE INDEX pix_operation_reference ON pix_operation (reference)",
    [[CREATE INDEX pix_operation_charge ON pix_operation (charge_id)
      WHERE charge_id IS NOT NULL]],
    -- Events that the application has not yet taken.
    [[CREATE TABLE pix_outbox (
      id TEXT PRIMARY KEY, subject TEXT NOT NULL, type TEXT NOT NULL, data TEXT,
      at BIGINT NOT NULL, lease BIGINT)]],
    -- Keys of the webhooks that were taken in.
    "CREATE TABLE pix_inbox (id TEXT PRIMARY KEY, at BIGINT NOT NULL)",
    -- Runs of flows, and the log of their steps.
    [[CREATE TABLE pix_run (
      id TEXT PRIMARY KEY, flow TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,
      ended SMALLINT NOT NULL, step BIGINT NOT NULL, data TEXT, due BIGINT, worker TEXT,
      lease BIGINT, fence BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL)]],
    "CREATE INDEX pix_run_due ON pix_run (due) WHERE due IS NOT NULL",
    [[CREATE TABLE pix_run_step (
      run TEXT NOT NULL, step BIGINT NOT NULL, state TEXT NOT NULL, cause TEXT, data TEXT,
      at BIGINT NOT NULL, PRIMARY KEY (run, step))]],
  },
  {
    -- Paid, although its order was paid already, and not given back yet.
    "ALTER TABLE pix_operation ADD COLUMN owed SMALLINT NOT NULL DEFAULT 0",
  },
}

-- The first table of all; it never changes.
M.begin = {
  "CREATE TABLE IF NOT EXISTS pix_schema (one BIGINT PRIMARY KEY, version BIGINT NOT NULL)",
  "INSERT INTO pix_schema (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING",
  "SELECT version FROM pix_schema WHERE one = 1",
}

M.version = #M.steps

return M
