local budget = require "pix.budget"

local function take_all(state, lane, now)
  local count = 0
  while true do
    local new, seconds = budget.take(state, lane, now)
    if not new then return state, count, seconds end
    state, count = budget.give(new, lane), count + 1
  end
end

describe("the budget", function()
  it("gives polling 40 requests a minute", function()
    local state, count, seconds = take_all(budget.new(), "poll", 0)
    assert.equal(40, count)
    assert.near(1.5, seconds, 1e-6)
    assert.is_truthy(budget.take(state, "poll", 1.5))
  end)

  it("does not limit orders unless it is told to", function()
    local state = take_all(budget.new(), "poll", 0)
    for _ = 1, 500 do
      state = budget.give(assert(budget.take(state, "order", 0)), "order")
    end
  end)

  it("keeps a part of the minute for orders, however much is polled", function()
    local state, polled = take_all(budget.new { per_minute = 20 }, "poll", 0)
    assert.equal(15, polled)
    local _, ordered = take_all(state, "order", 0)
    assert.equal(5, ordered)
  end)

  it("keeps places for orders, however many looks are under way", function()
    local state = budget.new { concurrency = 3 }
    for _ = 1, 2 do
      state = assert(budget.take(state, "poll", 0))
    end
    assert.same({}, { budget.take(state, "poll", 0) })
    assert.is_truthy(budget.take(state, "order", 0))
  end)

  it("gives a place again when a request has ended", function()
    local state = assert(budget.take(budget.new { concurrency = 1 }, "order", 0))
    assert.is_nil((budget.take(state, "order", 0)))
    assert.is_truthy(budget.take(budget.give(state, "order"), "order", 0))
  end)

  it("refuses options that make no sense", function()
    assert.is_nil((budget.check { concurrency = 0 }))
    assert.is_nil((budget.check { rpm = 3 }))
    assert.is_true(budget.check { per_minute = 0, concurrency = 2 })
  end)
end)
