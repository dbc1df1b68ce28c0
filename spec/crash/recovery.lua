--- The process after a crash: it opens the same journal, recovers, and looks until nothing moves.
local pix = require "pix"
local clock = require "spec.crash.clock"
local crash = require "spec.crash.shop"

local M = {}
M.__index = M

-- Seconds of the epoch's clock between rounds: leases end, and absence is believed after two looks
-- that are a minute apart.
local STEP = 200

--- @tparam table providers
-- @tparam string where the journal
-- @tparam string folder in which `events` is written
function M.new(providers, where, folder)
  clock.ahead(0) -- should a spec have failed before
  local self = setmetatable({ events = folder .. "/events", later = 0 }, M)
  self.shop = crash.open(providers, where, crash.teller(self.events))
  self.store = self.shop._store
  return self
end

--- shop:recover(), as a program does at its start.
function M:recover()
  local done
  pix.run(function() done = assert(self.shop:recover()) end)
  return done
end

-- What shop:watch does again and again, without its pause: takes what is due, looks, tells.
local function round(shop)
  local watch = shop._watch
  assert(watch:round())
  while next(watch._flying) do
    pix.sleep(0.001)
  end
  shop:_tell()
end

--- Some rounds of watching, each a few minutes later than the one before.
function M:rounds(count)
  for _ = 1, count do
    self.later = self.later + STEP
    clock.ahead(self.later)
    pix.run(round, self.shop)
  end
end

function M:close()
  self.shop:close()
  clock.ahead(0)
end

--- All operations of the journal, by what `key` makes of each.
function M:operations(key)
  local map = {}
  assert(self.store:export(function(row)
    local name = key(row)
    map[name] = map[name] or {}
    table.insert(map[name], row)
  end))
  return map
end

--- What was told so far, in all processes.
function M:told()
  return crash.told(self.events)
end

return M
