local breaker = require "pix.breaker"

local function fail(state, times, now)
  for _ = 1, times do
    state = breaker.after_call(state, "fault", now)
  end
  return state
end

describe("the breaker", function()
  it("lets calls through while it is closed", function()
    assert.equal("call", (breaker.ask(breaker.new(), 0, false)))
  end)

  it("opens after five faults in a row", function()
    local state = fail(breaker.new(), 4, 0)
    assert.equal("closed", state.name)
    assert.equal("open", fail(state, 1, 0).name)
  end)

  it("forgets faults after a success", function()
    local state = breaker.after_call(fail(breaker.new(), 4, 0), "good", 0)
    assert.equal("closed", fail(state, 4, 0).name)
  end)

  it("forgets faults that are older than its window", function()
    assert.equal("closed", fail(fail(breaker.new(), 4, 0), 4, 61).name)
  end)

  it("refuses while it is open, and says for how long", function()
    local state = fail(breaker.new(), 5, 100)
    assert.same({ "refuse", 7 }, { breaker.ask(state, 103, false) })
    assert.same({ false, 7 }, { breaker.available(state, 103) })
  end)

  it("asks for a cheap probe before it lets an order through", function()
    local state = fail(breaker.new(), 5, 0)
    local what
    what, state = breaker.ask(state, 10, false)
    assert.equal("probe", what)
    assert.equal("refuse", (breaker.ask(state, 10, false)))
    state = breaker.after_probe(state, "good", 11)
    what, state = breaker.ask(state, 11, false)
    assert.equal("call", what)
    assert.equal("refuse", (breaker.ask(state, 11, false)))
    assert.equal("closed", breaker.after_call(state, "good", 12).name)
  end)

  it("needs no probe for a read, which is as cheap", function()
    local what, state = breaker.ask(fail(breaker.new(), 5, 0), 10, true)
    assert.equal("call", what)
    assert.equal("closed", breaker.after_call(state, "good", 10).name)
  end)

  it("stays open twice as long after each probe that fails, up to its longest", function()
    local state, now = fail(breaker.new(), 5, 0), 0
    for _, seconds in ipairs { 10, 20, 40, 80, 120, 120 } do
      assert.equal(now + seconds, state.ends)
      now = state.ends
      state = breaker.after_probe(select(2, breaker.ask(state, now, false)), "fault", now)
    end
  end)

  it("opens again when the trial fails", function()
    local _, state = breaker.ask(fail(breaker.new(), 5, 0), 10, false)
    state = breaker.after_probe(state, "good", 10)
    _, state = breaker.ask(state, 10, false)
    assert.equal("open", breaker.after_call(state, "fault", 10).name)
  end)

  it("is not moved by calls that end after it has opened", function()
    local state = fail(breaker.new(), 5, 0)
    assert.equal(state, breaker.after_call(state, "good", 1))
  end)

  it("is free again when a trial tells nothing", function()
    local _, state = breaker.ask(fail(breaker.new(), 5, 0), 10, true)
    state = breaker.after_call(state, "silent", 10)
    assert.equal("call", (breaker.ask(state, 10, true)))
  end)

  it("is probed again when a probe tells nothing", function()
    local what, state = breaker.ask(fail(breaker.new(), 5, 0), 10, false)
    assert.equal("probe", what)
    state = breaker.after_probe(state, "silent", 11)
    what, state = breaker.ask(state, 11, false)
    assert.equal("probe", what)
    assert.equal("refuse", (breaker.ask(state, 11, false)))
  end)

  it("never changes the state it is given", function()
    local state = breaker.new()
    fail(state, 5, 0)
    assert.same(breaker.new(), state)
  end)

  it("takes a refusal of an order for a sign of life", function()
    assert.equal("good", breaker.judge(nil))
    assert.equal("good", breaker.judge { kind = "declined", sent = "yes" })
    assert.equal("good", breaker.judge { kind = "invalid", sent = "yes" })
    assert.equal("fault", breaker.judge { kind = "timeout", sent = "maybe" })
    assert.equal("fault", breaker.judge { kind = "unavailable", sent = "yes" })
    assert.equal("silent", breaker.judge { kind = "invalid", sent = "no" })
    assert.equal("silent", breaker.judge { kind = "cancelled", sent = "maybe" })
  end)
end)
