local guards = require "pix.guard"
local pix = require "pix"
local retry = require "pix.retry"
local shops = require "spec.support.shop"

describe("the guard of requests", function()
  local s, t

  before_each(function()
    s = shops.new()
    t = s.t
  end)

  after_each(function() s:stop() end)

  local function new(options)
    options = options or {}
    options.providers, options.retry = { ssg = s.ssg, payzu = s.payzu }, assert(retry.options())
    return guards.new(options)
  end

  local function charge(guard, options)
    return guard:call("payzu", "charge", { amount = 1990 }, options or {})
  end

  it("refuses while the breaker is open, although somebody asks", function()
    t:handle("payzu", "charge", function() return { status = 500, body = {} } end)
    local guard = new()
    for _ = 1, 5 do charge(guard) end
    local value, err = charge(guard)
    assert.is_nil(value)
    assert.same({ "unavailable", "breaker", "no", 10 },
      { err.kind, err.code, err.sent, err.retry_after })
    assert.equal(5, #t:requests("payzu", "charge"))
    assert.equal(10, guard:open_for("payzu", "charge"))
    assert.equal(0, guard:open_for("payzu", "status"))
  end)

  it("lets only one try when the breaker is half open", function()
    t:handle("payzu", "charge", function() return { status = 500, body = {} } end)
    local guard = new()
    for _ = 1, 5 do charge(guard) end
    t:advance(10)
    t:handle("payzu", "charge", nil)
    t:reply("payzu", "check", { status = 404, body = { error = "x" }, delay = 1 })
    pix.run(function()
      local list = {}
      for i = 1, 4 do
        list[i] = function() return charge(guard) end
      end
      local results, errors = pix.all(list)
      assert.truthy(results[1])
      for i = 2, 4 do assert.equal("breaker", errors[i].code) end
    end)
    assert.equal(1, #t:requests("payzu", "check"))
  end)

  it("makes a request wait for its place, and no longer than the deadline", function()
    local guard = new { budget = { payzu = { concurrency = 1 } } }
    t:reply("payzu", "charge", { hang = true })
    pix.run(function()
      pix.spawn(charge, guard)
      pix.sleep(0)
      local value, err = charge(guard, { deadline = t:now() + 3 })
      assert.is_nil(value)
      assert.same({ "timeout", "budget", "no", 3 }, { err.kind, err.code, err.sent, t:now() })
      assert.truthy(charge(guard))
      assert.equal(15, t:now())
    end)
  end)

  it("waits until the minute's budget allows more", function()
    local guard = new { budget = { payzu = { per_minute = 2 } } }
    for _ = 1, 3 do
      assert(charge(guard, { deadline = t:now() + 60 }))
    end
    assert.near(30, t:now(), 0.1)
  end)

  it("gives a request no more time than the deadline leaves", function()
    t:reply("payzu", "charge", { hang = true })
    local _, err = charge(new(), { deadline = t:now() + 2 })
    assert.same({ "timeout", "maybe", 2 }, { err.kind, err.sent, t:now() })
    _, err = charge(new(), { deadline = t:now() })
    assert.same({ "timeout", "deadline", "no" }, { err.kind, err.code, err.sent })
  end)

  it("repeats reads, and counts the tries in the error", function()
    local guard = new()
    t:reply("payzu", "status", { status = 503, body = {} })
    t:fail("payzu", "status", { kind = "network", sent = "maybe" })
    t:reply("payzu", "status", { status = 404, body = { error = "não encontrada" } })
    local _, err = guard:read("payzu", "status", { id = "PIX1" }, {})
    assert.same({ "not_found", 3 }, { err.kind, err.attempts })
  end)

  it("sends no order while its probes tell nothing", function()
    t:handle("payzu", "charge", function() return { status = 500, body = {} } end)
    local guard = new()
    for _ = 1, 5 do charge(guard) end
    t:advance(60)
    t:handle("payzu", "charge", nil)
    local before = #t:requests("payzu", "charge")
    local check = s.payzu.start
    guard._providers = { payzu = setmetatable({
      start = function(_, operation, args)
        local future = check(s.payzu, operation, args)
        if operation == "check" then future:cancel() end
        return future
      end,
    }, { __index = function(_, name) -- all else is the provider's own
      return function(_, ...) return s.payzu[name](s.payzu, ...) end
    end }) }
    local value, err = charge(guard)
    assert.is_nil(value)
    assert.same({ "breaker", "no" }, { err.code, err.sent })
    assert.equal(before, #t:requests("payzu", "charge"))
  end)

  it("refuses what the provider cannot do, before any I/O", function()
    local _, err = new():call("payzu", "refund", { id = "PIX1" }, {})
    assert.same({ "unsupported", "no" }, { err.kind, err.sent })
    assert.equal(0, #t:requests())
  end)
end)
