--- A delivery that the program's end cut off counted as failed when there were no more attempts:
-- the money was given back, perhaps for goods that the customer has, and nobody knew.
local memory = require "pix.flow.memory"
local pix = require "pix"

local FLOW = [[
return flow "shop" {
  input = { total = "money" },
  start = "pay",
  pay = charge { amount = "{total}", paid = "count", expired = "bye", cancelled = "bye",
    failed = "bye", unknown = "help" },
  count = perform "count" { ok = "give", failed = "back" },
  give = perform "give" { delivers = true, attempts = %d, ok = "thanks", failed = "back" },
  back = refund { of = "pay", refunded = "bye", failed = "help" },
  help = alert { message = "look after {total}", next = "bye" },
  thanks = done {}, bye = fail {},
}
]]

describe("a host's function that the end of the program cut off", function()
  local t, dead, given

  -- The program ends while the function works, after it has given the goods: nothing that comes
  -- later is written down.
  local function start(attempts, dying)
    t, dead, given = pix.testing.flow(FLOW:format(attempts)), false, 0
    local journal = memory.new()
    t.journal = setmetatable({ run_step = function(_, ...)
      if dead then error("power cut", 0) end
      return journal:run_step(...)
    end }, { __index = function(_, name)
      return function(_, ...) return journal[name](journal, ...) end
    end })
    t:perform("count", function()
      dead = dying == "count"
      return true
    end)
    t:perform("give", function()
      dead, given = dying == "give" and given == 0, given + 1
      return true
    end)
    assert.is_false((pcall(t.run, t, { total = "8.50" })))
    dead = false
    t.journal = journal
    t:resume()
  end

  after_each(function() t:stop() end)

  it("is told to a person if it may have delivered and there is no attempt left", function()
    start(1, "give")
    assert.equal("pay —paid→ count —ok→ give —failed→ back —refunded→ bye", t:way())
    assert.same({ 1, 1 }, { given, #t.alerts })
    assert.matches("give.*may have been done", t.alerts[1])
  end)

  it("is tried again where attempts are left, under the same key, and nobody is called", function()
    start(2, "give")
    assert.matches("give —ok→ thanks$", t:way())
    assert.same({ 2, 0 }, { given, #t.alerts })
  end)

  it("is nobody's matter if it delivers nothing", function()
    start(1, "count")
    assert.matches("count —failed→ back —refunded→ bye$", t:way())
    assert.same({ 0, 0 }, { given, #t.alerts })
  end)
end)
