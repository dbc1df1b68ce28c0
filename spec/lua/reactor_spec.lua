local core = require "pix.core"
local pix = require "pix"
local sandbox = require "pix.sandbox"
local states = require "states"

-- In a Lua state of its own: what somebody cancelled in this one waits for some later drain.
local function alone(program)
  assert(states.run("local core = require 'pix.core' local reactor = core.reactor()" .. program))
end

describe("the reactor", function()
  it("is one for a Lua state", function()
    assert.equal(core.reactor(), core.reactor())
    assert.is_false(core.reactor():is_virtual())
  end)

  it("wakes its descriptor when a timer is over", function()
    local reactor = core.reactor()
    local future = core.timer(0.01)
    assert.is_true(reactor:fd() >= 0)
    while not future:ready() do
      reactor:wait(5)
      reactor:drain()
    end
    assert.is_true(future:result())
  end)

  it("waits no longer than it is told", function()
    alone [[ assert(reactor:wait(0) == "timeout") ]]
  end)

  it("counts what is under way", function()
    alone [[
      assert(reactor:pending() == 0)
      local future = core.timer(100)
      assert(reactor:pending() == 1)
      future:cancel()
      while not future:ready() do
        reactor:wait(5)
        reactor:drain()
      end
      assert(reactor:pending() == 0)
    ]]
  end)

  it("speaks as cqueues and copas expect of an object", function()
    local reactor = core.reactor()
    assert.equal(reactor:fd(), reactor:pollfd())
    assert.equal(reactor:fd(), reactor:getfd())
    assert.equal("r", reactor:events())
    assert.is_nil(reactor:timeout())
    assert.is_false(reactor:dirty())
  end)

  it("lets its thread nap between calls, and misses neither submits nor cancels", function()
    local sb = sandbox.start()
    local payzu = pix.payzu { api_key = sb.credentials.payzu.api_key, base_url = sb.url.payzu,
      webhook_url = "https://shop.example/webhook" }
    core.nap(0.004)
    sb.fault { provider = "payzu", operation = "charge", hang = true }
    local hanging = payzu:start("charge", { amount = 100 })
    while sb.count { provider = "payzu", operation = "charge" } == 0 do pix.sleep(0.001) end
    for i = 1, 3 do
      assert(pix.await(payzu:start("charge", { amount = 100 + i }), 20))
    end
    hanging:cancel()
    local value, err = pix.await(hanging, 20)
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    core.nap(0)
    assert.error_matches(function() core.nap(-1) end, "seconds")
    sb.stop()
  end)

  it("has a doorbell in a private folder", function()
    local path = assert(core.reactor():doorbell())
    local pipe = io.popen("stat -c '%a %F' '" .. path:match("^(.*)/") .. "' '" .. path .. "'")
    local folder, socket = pipe:read("*l"), pipe:read("*l")
    pipe:close()
    assert.equal("700 directory", folder)
    assert.truthy(socket:find("socket"))
  end)

  it("keeps what only a virtual one can do to virtual ones", function()
    assert.has_error(function() core.reactor():advance(1) end,
      "only a virtual reactor can do this: pix.testing.start()")
  end)

  describe("when it is virtual", function()
    local former, reactor

    before_each(function()
      reactor = core.virtual()
      former = core.use(reactor)
    end)

    after_each(function() core.use(nil) end)

    it("stands in for the real one until it is put back", function()
      assert.equal(reactor, core.reactor())
      core.use(nil)
      assert.equal(former, core.reactor())
    end)

    it("has a clock that moves only when it is told", function()
      local now, wall = reactor:now(), reactor:wall()
      reactor:advance(60)
      assert.equal(now + 60, reactor:now())
      assert.equal(wall + 60, reactor:wall())
      reactor:set_wall(1767225600)
      assert.equal(1767225600, reactor:wall())
    end)

    it("tells when the next timer falls due", function()
      assert.is_nil(reactor:next_timer())
      core.timer(7)
      assert.equal(7, reactor:next_timer())
    end)

    it("says so when an answer is for a request that is gone", function()
      assert.is_false(reactor:answer("17", { status = 200 }))
      assert.is_false(reactor:fail("17", "timeout", "maybe"))
    end)

    it("cannot be used once it is closed", function()
      reactor:close()
      reactor:close()
      assert.has_error(function() reactor:drain() end, "this reactor is closed")
    end)
  end)
end)
