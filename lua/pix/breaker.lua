--- The circuit breaker of one provider and operation: a state machine without clock or I/O.
--
--   closed --(faults in a row)--> open --(time is over)--> half_open --(probe, trial)--> closed
--                                  ^                           |
--                                  +--------(one fault)--------+
--
-- A state is a table that these functions never change: each returns a new one. In half_open a
-- cheap probe (the provider's check) comes first, so that no order has to be the one that finds
-- out; then one call is let through. Reads need no probe: they are cheap themselves.
local M = {}

local DEFAULTS = { faults = 5, window = 60, open = 10, longest = 120 }

-- Failures that tell of the provider's health; a refusal of an order tells nothing but that it is
-- there.
local FAULTS = { network = true, timeout = true, unavailable = true, protocol = true }
local SILENT = { cancelled = true, internal = true, journal = true, unsupported = true,
  config = true }

local function with(state, changes)
  local new = {}
  for name, value in pairs(state) do
    new[name] = value
  end
  for name, value in pairs(changes) do
    new[name] = value
  end
  return new
end

--- @tparam[opt] table options faults = 5 in a row, none older than window = 60 s; open = 10 s at
--   first, twice as long after each failed probe, up to longest = 120 s
-- @treturn table a closed breaker
function M.new(options)
  local all = with(DEFAULTS, options or {})
  return { name = "closed", options = all, count = 0, since = 0, rounds = 0 }
end

--- What an outcome says: "good", "fault", or "silent" (nothing).
-- @tparam table|nil err nil: the call succeeded
function M.judge(err)
  if not err then return "good" end
  if FAULTS[err.kind] then return "fault" end
  if SILENT[err.kind] or (err.kind == "invalid" and err.sent == "no") then return "silent" end
  return "good"
end

--- May a call be made now?
-- @tparam table state
-- @tparam number now seconds
-- @tparam boolean cheap the call itself is as cheap as a probe: a read
-- @treturn string "call"; "probe": probe first, then ask again; or "refuse"
-- @treturn table|number the state that must be kept with "call" and "probe"; seconds to wait
--   with "refuse"
function M.ask(state, now, cheap)
  if state.name == "closed" then return "call", state end
  if state.name == "open" then
    if now < state.ends then return "refuse", state.ends - now end
    local kind = cheap and "call" or "probe"
    return kind, with(state, { name = "half_open", busy = true, proven = cheap or false })
  end
  if state.busy then return "refuse", 1 end
  if state.proven or cheap then return "call", with(state, { busy = true }) end
  return "probe", with(state, { busy = true })
end

local function open(state, now)
  local options = state.options
  local seconds = math.min(options.longest, options.open * 2 ^ state.rounds)
  return with(state, { name = "open", ends = now + seconds, rounds = state.rounds + 1, count = 0,
    busy = false, proven = false })
end

local function fault_when_closed(state, now)
  local fresh = state.count > 0 and now - state.since <= state.options.window
  local count = fresh and state.count + 1 or 1
  if count >= state.options.faults then return open(state, now) end
  return with(state, { count = count, since = fresh and state.since or now })
end

--- The state after a call has ended. Calls that began before it opened may end later: when it is
-- open, they change nothing.
-- @tparam table state
-- @tparam string outcome of M.judge
-- @tparam number now seconds
-- @treturn table the state afterwards
function M.after_call(state, outcome, now)
  if state.name == "closed" then
    if outcome == "fault" then return fault_when_closed(state, now) end
    if outcome == "good" and state.count > 0 then return with(state, { count = 0 }) end
    return state
  end
  if state.name == "open" then return state end
  if outcome == "fault" then return open(state, now) end
  if outcome == "good" then return M.new(state.options) end
  return with(state, { busy = false })
end

--- The state after the probe has ended.
function M.after_probe(state, outcome, now)
  if state.name ~= "half_open" then return state end
  if outcome == "fault" then return open(state, now) end
  return with(state, { busy = false, proven = outcome == "good" })
end

--- Is a call thinkable at this moment? What selection asks; changes nothing.
-- @treturn boolean
-- @treturn number seconds until it may be
function M.available(state, now)
  if state.name == "open" and now < state.ends then return false, state.ends - now end
  if state.name == "half_open" and state.busy then return false, 1 end
  return true, 0
end

return M
