--- Durable runs of flows: where each one is, its data, the log of its steps, and who works on it.
-- Methods of the journal object. A run's data is the flow's own and is kept as JSON: the flow must
-- put no secret and no card into it.
--
-- A run is held by one life of a worker, "name/life": a name that comes again after a restart does
-- not pass for the process that died.
local core = require "pix.core"
local record = require "pix.journal.record"
local sql = require "pix.journal.sql"

local M = {}

local statement, ms = sql.statement, record.ms
local LEASE, MANY = 60, 100
local COLUMNS = "id, flow, version, state, ended, step, data, due, worker, lease, fence, created, "
  .. "updated"

local function runs(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = record.run(row) end
  return list
end

local function json(value)
  return value ~= nil and record.encode_any(value) or nil
end

local LOG = [[INSERT INTO pix_run_step (run, step, state, cause, data, at)
  VALUES (:id, :next, :state, :cause, :step_data, :now)]]

local function holder(self)
  self._life = self._life or core.random(6)
  return self.worker .. "/" .. self._life
end

local function stale(id, err)
  err.code, err.message = "stale", ("run %s is in other hands by now"):format(id)
  return nil, err
end

local function event_statement(id, step, index, event, now)
  return statement([[INSERT INTO pix_outbox (id, subject, type, data, at)
    VALUES (:id, :subject, :type, :data, :now)]], {
    id = ("%s.%d.%d"):format(id, step, index), subject = id, type = event.type,
    data = json(event.data), now = now,
  })
end

--- Begins a run, in this worker's hands. The same id again gives the run that is there. May
-- yield.
-- @tparam table run id, flow, version, state, now, data, lease (seconds, 60), due
-- @treturn table|nil the run, or nil and an error
-- @treturn boolean whether it is new
function M:run_begin(run)
  local values = {
    id = run.id or core.random(12), flow = run.flow, version = run.version, state = run.state,
    data = json(run.data), worker = holder(self), now = ms(run.now),
    lease = ms(run.now + (run.lease or LEASE)), due = ms(run.due or run.now),
  }
  local results, err = self:_submit {
    statement([[INSERT INTO pix_run (id, flow, version, state, ended, step, data, due,
      worker, lease, fence, created, updated) VALUES (:id, :flow, :version, :state, 0, 0, :data,
      :due, :worker, :lease, 1, :now, :now) ON CONFLICT (id) DO NOTHING]], values),
    statement("SELECT " .. COLUMNS .. " FROM pix_run WHERE id = :id", values),
  }
  if not results then return nil, err end
  return record.run(results[2][1]), results[1].changed == 1
end

--- Takes a run one step further: state, data, log and events in one transaction. Refused when the
-- run is at another step by now, or in other hands. May yield.
-- @tparam string id
-- @tparam table step fence, step = the number it is at, state, now; data (nil: as before), cause,
--   step_data (for the log), ended, due (nil: now; ended ones never), lease (seconds from now; nil:
--   as before), events = { { type =, data = } }
-- @treturn integer|nil the step's number; or nil and an error: "conflict", code "stale"
function M:run_step(id, step)
  local now = ms(step.now)
  local values = {
    id = id, fence = step.fence, step = step.step, next = step.step + 1, state = step.state,
    data = json(step.data), cause = step.cause, step_data = json(step.step_data), now = now,
    ended = step.ended and 1 or 0, due = not step.ended and ms(step.due or step.now) or nil,
    lease = step.lease and ms(step.now + step.lease) or nil,
  }
  local list = {
    statement([[UPDATE pix_run SET step = :next, state = :state, ended = :ended, updated = :now,
      data = COALESCE(CAST(:data AS TEXT), data), due = CAST(:due AS BIGINT),
      lease = COALESCE(CAST(:lease AS BIGINT), lease)
      WHERE id = :id AND fence = :fence AND step = :step AND ended = 0]], values, 1),
    statement(LOG, values),
  }
  for i, event in ipairs(step.events or {}) do
    list[#list + 1] = event_statement(id, values.next, i, event, now)
  end
  local results, err = self:_submit(list)
  if results then return values.next end
  if err.kind == "conflict" then return stale(id, err) end -- the log's key tells first
  return nil, err
end

--- Keeps runs for longer, all in one transaction. May yield.
-- @tparam table list { id, fence, lease (seconds) } each
-- @tparam number now
-- @treturn table|nil { [id] = true } of those that are held; the others have ended or are in other
--   hands by now; or nil and an error
function M:run_renew(list, now)
  local statements = {}
  for i, run in ipairs(list) do
    statements[i] = statement([[UPDATE pix_run SET lease = :lease
      WHERE id = :id AND fence = :fence AND ended = 0]],
      { id = run.id, fence = run.fence, lease = ms(now + run.lease) })
  end
  local results, err = self:_submit(statements)
  if not results then return nil, err end
  local held = {}
  for i, run in ipairs(list) do
    if results[i].changed == 1 then held[run.id] = true end
  end
  return held
end

--- Takes runs that are due, under a lease, as `claim` does with operations. May yield.
-- @tparam table query now, n (100), lease (seconds, 60). Leases that are not over do not count of
--   former lives of this worker's name with own = true, and of anybody but this journal object with
--   sole = true: no other process uses the journal
-- @treturn table|nil runs, each with its `fence`
function M:run_claim(query)
  local lock = self._locks and " FOR UPDATE SKIP LOCKED) " or ") "
  local others = query.sole and " OR worker <> :holder" or query.own
    and " OR (worker <> :holder AND substr(worker, 1, length(CAST(:name AS TEXT))) = "
    .. "CAST(:name AS TEXT))" or ""
  local results, err = self:_submit { statement([[WITH picked AS (SELECT id FROM pix_run
    WHERE due <= :now AND (lease IS NULL OR lease <= :now]] .. others .. [[)
    ORDER BY due LIMIT :n]] .. lock
    .. [[UPDATE pix_run SET worker = :holder, lease = :lease, fence = fence + 1
    WHERE id IN (SELECT id FROM picked) RETURNING ]] .. COLUMNS, {
      now = ms(query.now), n = query.n or MANY, holder = holder(self), name = self.worker .. "/",
      lease = ms(query.now + (query.lease or LEASE)),
    }) }
  if not results then return nil, err end
  return runs(results[1])
end

--- Gives a claimed run back, to be gone on with later. May yield.
-- @tparam string id
-- @tparam table facts fence, due (nil: when it is woken)
-- @treturn boolean|nil true; or nil and an error: "conflict", code "stale"
function M:run_later(id, facts)
  local results, err = self:_submit { statement([[UPDATE pix_run SET due = CAST(:due AS BIGINT),
    worker = NULL, lease = NULL WHERE id = :id AND fence = :fence]],
    { id = id, fence = facts.fence, due = ms(facts.due) }, 1) }
  if results then return true end
  if err.code == "refused" then return stale(id, err) end
  return nil, err
end

--- Makes a run due now: what it waits for has come. May yield.
-- @tparam string id
-- @tparam number now
-- @treturn boolean|nil whether there is such a run that has not ended
function M:run_wake(id, now)
  local results, err = self:_submit { statement(
    "UPDATE pix_run SET due = :now WHERE id = :id AND ended = 0", { id = id, now = ms(now) }) }
  if not results then return nil, err end
  return results[1].changed == 1
end

--- A run and the log of its steps. May yield.
-- @treturn table|nil the run, with `steps`; nil alone if there is none; nil and an error
function M:run_get(id)
  local results, err = self:_submit {
    statement("SELECT " .. COLUMNS .. " FROM pix_run WHERE id = :id", { id = id }),
    statement([[SELECT step, state, cause, data, at FROM pix_run_step WHERE run = :id
      ORDER BY step]], { id = id }),
  }
  if not results then return nil, err end
  local run = record.run(results[1][1])
  if not run then return nil end
  run.steps = {}
  for i, row in ipairs(results[2]) do
    row.data = row.data and record.decode_any(row.data) or nil
    row.at = record.seconds(row.at)
    run.steps[i] = row
  end
  return run
end

--- Runs, in the order of their ids. May yield.
-- @tparam[opt] table query flow, ended (boolean), after, n (100)
function M:run_list(query)
  query = query or {}
  local ended
  if query.ended ~= nil then ended = query.ended and 1 or 0 end
  local results, err = self:_submit { statement("SELECT " .. COLUMNS .. [[ FROM pix_run
    WHERE id > :after AND (CAST(:flow AS TEXT) IS NULL OR flow = CAST(:flow AS TEXT))
    AND (CAST(:ended AS BIGINT) IS NULL OR ended = CAST(:ended AS BIGINT))
    ORDER BY id LIMIT :n]],
    { after = query.after or "", flow = query.flow, ended = ended, n = query.n or MANY }) }
  if not results then return nil, err end
  return runs(results[1])
end

return M
