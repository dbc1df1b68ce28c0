--- How a provider has done lately: latency and success. Pure: time is an argument.
--
-- Success is counted in buckets of a minute, ten of them, that slide; latency is an exponentially
-- weighted mean (EWMA).
local M = {}

local BUCKET, BUCKETS = 60, 10
local WEIGHT = 0.2 -- of the newest latency

--- @treturn table a record without samples
function M.new()
  return { latency = nil, buckets = {} }
end

local function number_of(now)
  return math.floor(now / BUCKET)
end

--- Counts a call. Changes the record.
-- @tparam table record
-- @tparam boolean good
-- @tparam number seconds how long it took
-- @tparam number now
function M.add(record, good, seconds, now)
  local number = number_of(now)
  local slot = number % BUCKETS + 1
  local bucket = record.buckets[slot]
  if not bucket or bucket.number ~= number then
    bucket = { number = number, good = 0, all = 0 }
    record.buckets[slot] = bucket
  end
  bucket.all = bucket.all + 1
  if good then
    bucket.good = bucket.good + 1
    record.latency = record.latency and record.latency + WEIGHT * (seconds - record.latency)
      or seconds
  end
end

--- @treturn integer calls in the last ten minutes
-- @treturn integer those of them that succeeded
function M.count(record, now)
  local all, good, oldest = 0, 0, number_of(now) - BUCKETS
  for _, bucket in pairs(record.buckets) do
    if bucket.number > oldest then
      all, good = all + bucket.all, good + bucket.good
    end
  end
  return all, good
end

return M
