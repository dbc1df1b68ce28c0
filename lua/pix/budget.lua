--- How many requests may go to one provider: at once, and in a minute. Pure.
--
-- Two lanes: "order" (charges and what settles them) and "poll" (looking whether a charge is paid).
-- Polling has a smaller share of both, so that it never starves charging: an order may use all
-- there is, polling only what lies above the reserve.
local M = {}

local DEFAULTS = { concurrency = 64, per_minute = 0, polls_at_once = 8, polls_per_minute = 40,
  look_every = 0 }
local LEAST = { per_minute = 0, look_every = 0.25 } -- of the others: 1
local WINDOW = 60
local RESERVE = 0.25 -- of per_minute, kept for orders
local BURST = 0.1 -- of polls_per_minute at once; the rest comes evenly, so that no minute has more

--- @tparam[opt] table options concurrency = 64 requests at once; per_minute = requests of both
--   lanes, 0 = no limit; polls_at_once = 8; polls_per_minute = 40; look_every = seconds between two
--   looks at a charge that somebody waits for (2-3 at first, then more)
-- @treturn table a budget that is whole
function M.new(options)
  local all = {}
  for name, default in pairs(DEFAULTS) do
    all[name] = options and options[name] or default
  end
  return { options = all, busy = 0, polling = 0, total = all.per_minute,
    polls = math.max(1, BURST * all.polls_per_minute), at = 0 }
end

--- Checks what a program says about budgets.
function M.check(options)
  for name, value in pairs(options) do
    if DEFAULTS[name] == nil then return nil, "there is no option " .. tostring(name) end
    local least = LEAST[name] or 1
    if type(value) ~= "number" or value ~= value or value < least then
      return nil, ("%s must be a number, at least %g"):format(name, least)
    end
  end
  return true
end

local function copy(budget)
  local new = {}
  for name, value in pairs(budget) do
    new[name] = value
  end
  return new
end

local function polls_each_minute(options)
  return (1 - BURST) * options.polls_per_minute
end

-- Buckets fill evenly.
local function refill(budget, now)
  local new, options = copy(budget), budget.options
  local part = math.max(0, now - budget.at) / WINDOW
  new.total = math.min(options.per_minute, budget.total + part * options.per_minute)
  new.polls = math.min(math.max(1, BURST * options.polls_per_minute),
    budget.polls + part * polls_each_minute(options))
  new.at = now
  return new
end

local function until_full(level, needed, per_minute)
  if level >= needed then return 0 end
  return (needed - level) * WINDOW / per_minute
end

--- How often one charge may be looked at.
-- @treturn number seconds that the looks of one charge must be apart so that the budget bears it
-- @treturn number|nil seconds that the program wants them to be apart while somebody waits
function M.pace(budget)
  local every = budget.options.look_every
  return WINDOW / polls_each_minute(budget.options), every > 0 and every or nil
end

-- Seconds until the minute's buckets allow one more.
local function delay(budget, lane)
  local options, seconds = budget.options, 0
  if options.per_minute > 0 then
    local needed = lane == "poll" and 1 + RESERVE * options.per_minute or 1
    seconds = until_full(budget.total, needed, options.per_minute)
  end
  if lane == "poll" then
    seconds = math.max(seconds, until_full(budget.polls, 1, polls_each_minute(options)))
  end
  return seconds
end

local function crowded(budget, lane)
  local options = budget.options
  if budget.busy >= options.concurrency then return true end
  if lane ~= "poll" then return false end
  return budget.polling >= math.min(options.polls_at_once, math.max(1, options.concurrency - 1))
end

--- Takes one request out of the budget.
-- @tparam table budget is not changed
-- @tparam string lane "order" or "poll"
-- @tparam number now seconds
-- @treturn table|nil the budget afterwards; nil: not now
-- @treturn number|nil seconds after which to ask again; nil: when a request has ended
function M.take(budget, lane, now)
  local new = refill(budget, now)
  if crowded(new, lane) then return nil, nil end
  local seconds = delay(new, lane)
  if seconds > 1e-9 then return nil, seconds end
  new.busy = new.busy + 1
  if new.options.per_minute > 0 then new.total = new.total - 1 end
  if lane == "poll" then
    new.polling, new.polls = new.polling + 1, new.polls - 1
  end
  return new
end

--- How many looks may leave now?
-- @treturn integer 0 or more
function M.polls(budget, now)
  local count = 0
  while true do
    local new = M.take(budget, "poll", now)
    if not new then return count end
    budget, count = new, count + 1
  end
end

--- Gives the place of a request that has ended back.
function M.give(budget, lane)
  local new = copy(budget)
  new.busy = new.busy - 1
  if lane == "poll" then new.polling = new.polling - 1 end
  return new
end

return M
