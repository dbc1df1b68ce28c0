local core = require "pix.core"
local pump = require "pix.host.pump"

local function waiter()
  return {
    woken = {},
    wake = function(self, subject) self.woken[#self.woken + 1] = subject end,
  }
end

describe("the pump", function()
  local reactor

  before_each(function()
    reactor = core.virtual()
    core.use(reactor)
  end)

  after_each(function()
    core.use(nil)
    reactor:close()
  end)

  it("wakes everybody who waits for a future, once", function()
    local timer, first, second, third = core.timer(1), waiter(), waiter(), waiter()
    pump.watch(timer, first)
    pump.watch(timer, second)
    pump.watch(timer, third)
    reactor:advance(1)
    assert.equal(1, pump.drain())
    assert.equal(0, pump.drain())
    for _, one in ipairs { first, second, third } do
      assert.same({ timer }, one.woken)
    end
  end)

  it("does not wake who has gone away", function()
    local timer, first, second = core.timer(1), waiter(), waiter()
    pump.watch(timer, first)
    pump.watch(timer, second)
    pump.unwatch(timer, first)
    reactor:advance(1)
    pump.drain()
    assert.equal(0, #first.woken)
    assert.equal(1, #second.woken)
  end)

  it("knows who is alone", function()
    local timer, first, second = core.timer(1), waiter(), waiter()
    assert.is_false(pump.watched(timer))
    pump.watch(timer, first)
    assert.is_true(pump.alone(timer, first))
    pump.watch(timer, second)
    assert.is_false(pump.alone(timer, first))
    pump.unwatch(timer, second)
    pump.unwatch(timer, first)
    pump.unwatch(timer, first)
  end)

  it("is not troubled by futures that nobody waits for", function()
    core.timer(1)
    reactor:advance(1)
    assert.equal(1, pump.drain())
  end)

  it("moves a virtual clock to its next timer when it is to wait", function()
    core.timer(7)
    pump.idle()
    assert.equal(7, reactor:now())
    assert.equal(1, pump.drain())
    assert.error_matches(pump.idle, "nothing can move")
  end)
end)
