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
  it("gives polling 40 requests in any minute, evenly", function()
    local state, count, seconds = take_all(budget.new(), "poll", 0)
    assert.equal(4, count)
    assert.near(60 / 36, seconds, 1e-6)
    for now = 0, 59.9, 0.1 do
      local more
      state, more = take_all(state, "poll", now)
      count = count + more
    end
    assert.truthy(count >= 38 and count <= 40, count)
  end)

  it("does not limit orders unless it is told to", function()
    local state = take_all(budget.new(), "poll", 0)
    for _ = 1, 500 do
      state = budget.give(assert(budget.take(state, "order", 0)), "order")
    end
  end)

  it("keeps a part of the minute for orders, however much is polled", function()
    local state, polled = take_all(budget.new { per_minute = 20, polls_per_minute = 500 }, "poll",
      0)
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

  it("tells how many looks may leave now", function()
    assert.equal(4, budget.polls(budget.new(), 0))
    assert.equal(0, budget.polls(budget.new { concurrency = 1, per_minute = 1 }, 0))
  end)

  it("refuses options that make no sense", function()
    assert.is_nil((budget.check { concurrency = 0 }))
    assert.is_nil((budget.check { rpm = 3 }))
    assert.is_nil((budget.check { look_every = 0.1 }))
    assert.is_nil((budget.check { look_every = 0 / 0 }))
    assert.is_true(budget.check { look_every = 0.75 })
    assert.is_true(budget.check { per_minute = 0, concurrency = 2 })
  end)
end)
