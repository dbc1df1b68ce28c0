--- When to look again whether a charge is paid: pure decisions, with time and chance as arguments.
-- PAYMENTS.md, "Waiting until paid": every 2–3 s in the first minute, then × 1.5 up to 15 s, with
-- jitter, at most 40 requests a minute for one provider. A program may look more often (a payer
-- stands at its kiosk) and may declare another budget, where its contract allows that.
local M = {}

local EAGER = 60 -- seconds during which looks are frequent
local SHORTEST, LONGEST = 2, 3
local GROWTH, CEILING = 1.5, 15
local MAX_RETRY_AFTER = 60
local BUDGET, WINDOW = 40, 60
local BURST = 0.1 -- of the budget at once; the rest comes evenly, so that no minute has more

-- What makes a look worthless for now, and not for ever.
local PASSING = {
  network = true, timeout = true, rate_limited = true, unavailable = true, protocol = true,
  internal = true,
}

--- Seconds from one look to the next.
-- @tparam number elapsed seconds since the wait began
-- @tparam number|nil previous the interval before, without its jitter; nil at first
-- @tparam number random 0 ≤ random < 1
-- @tparam[opt] number every seconds between two looks, as the program wants it
-- @treturn number the interval with jitter
-- @treturn number the interval without, for the next call
function M.interval(elapsed, previous, random, every)
  if every then return every * (0.9 + 0.1 * random), every end
  if elapsed < EAGER then
    return SHORTEST + (LONGEST - SHORTEST) * random, LONGEST
  end
  local base = math.min(CEILING, (previous or LONGEST) * GROWTH)
  return base * (0.8 + 0.2 * random), base
end

--- May a wait go on after this error of a look?
function M.passing(err)
  return PASSING[err.kind] == true
end

--- The interval, made longer by what the provider asked for.
function M.after_error(interval, err)
  if not err or not err.retry_after then return interval end
  return math.max(interval, math.min(err.retry_after, MAX_RETRY_AFTER))
end

--- Takes one request out of a provider's budget.
-- @tparam table|nil bucket { tokens =, at = }, as this function returned it; nil at first
-- @tparam number now seconds
-- @tparam[opt=40] number per_minute requests in any minute
-- @treturn number seconds to wait before that request may leave
-- @treturn table the bucket afterwards (a new one)
function M.reserve(bucket, now, per_minute)
  local budget = per_minute or BUDGET
  local most, rate = math.max(1, BURST * budget), (1 - BURST) * budget / WINDOW
  local tokens = most
  if bucket then tokens = math.min(most, bucket.tokens + (now - bucket.at) * rate) end
  tokens = tokens - 1
  return tokens >= 0 and 0 or -tokens / rate, { tokens = tokens, at = now }
end

return M
