--- HTTP/2 over TLS, from the provider down to the bytes: what must hold when the one connection
-- that everything shares goes away.
local core = require "pix.core"
local live = require "spec.support.live"

local WRITES = {
  { "ssg", "charge" }, { "ssg", "cancel" }, { "ssg", "refund" }, { "detseg", "charge" },
  { "payzu", "charge" }, { "payzu", "subscribe" },
}
local READS = { { "ssg", "status" }, { "detseg", "status" }, { "payzu", "status" } }

describe("HTTP/2", function()
  local sandbox, providers

  setup(function() sandbox = live.start() end)
  teardown(function() sandbox.stop() end)

  before_each(function()
    sandbox.reset()
    providers = {}
    for _, name in ipairs { "ssg", "detseg", "payzu" } do
      providers[name] = live.provider(sandbox, name, { timeout = 120,
        base_url = sandbox.https_url[name], ca_file = sandbox.ca_file })
    end
  end)

  -- Arguments for an operation, after a charge on the connection that the fault will close.
  local function prepare(name, operation)
    local charge = assert(live.call(providers[name], "charge", live.charge_args()))
    if operation == "charge" then return live.charge_args(2500) end
    if operation == "subscribe" then return live.subscribe_args() end
    if operation == "refund" then sandbox.pay(charge.id) end
    return charge
  end

  local function last(name, operation)
    local all = sandbox.requests { provider = name, operation = operation }
    return all[#all]
  end

  it("is what providers are spoken to with", function()
    for name, provider in pairs(providers) do
      assert(live.call(provider, "charge", live.charge_args()))
      local request = last(name, "charge")
      assert.equal("2", request.version)
      assert.equal("https", request.scheme)
    end
  end)

  it("never sends a write twice when its connection dies", function()
    for _, row in ipairs(WRITES) do
      local name, operation = row[1], row[2]
      local args = prepare(name, operation)
      local before = sandbox.count { provider = name, operation = operation }
      sandbox.fault {
        provider = name, operation = operation, close_keepalive = true, times = "always" }
      local value, err = live.call(providers[name], operation, args)
      assert.is_nil(value)
      assert.equal("network", err.kind, tostring(err))
      assert.equal("maybe", err.sent)
      assert.equal(before + 1, sandbox.count { provider = name, operation = operation })
      assert.equal("2", last(name, operation).version)
      sandbox.clear_faults()
    end
  end)

  it("mends a read whose connection dies", function()
    for _, row in ipairs(READS) do
      local name, operation = row[1], row[2]
      local args = prepare(name, operation)
      for _ = 1, 8 do
        sandbox.fault { provider = name, operation = operation, close_keepalive = true }
        assert(live.call(providers[name], operation, args))
        assert.equal("2", last(name, operation).version)
      end
    end
  end)

  it("tells of each of many writes whether it left, when their connection dies", function()
    local args = prepare("ssg", "charge")
    local before = sandbox.count { provider = "ssg", operation = "charge" }
    sandbox.fault {
      provider = "ssg", operation = "charge", close_keepalive = true, after = 5 }
    local futures, done, open, unsent = {}, 0, 0, 0
    for i = 1, 30 do futures[i] = providers.ssg:start("charge", args) end
    for i = 1, 30 do
      local value, err = live.await(futures[i])
      if value then done = done + 1
      elseif err.sent == "maybe" then open = open + 1
      else unsent = unsent + 1 end
    end
    local received = sandbox.count { provider = "ssg", operation = "charge" } - before
    assert.is_true(open > 0)
    assert.is_true(received >= done and received <= done + open)
    assert.equal(30, done + open + unsent)
    assert(live.call(providers.ssg, "charge", args))
  end)

  it("is one connection for many at once", function()
    local charge = prepare("ssg", "status")
    local before = core.reactor():pending() -- what another test may have left
    local futures, connections = {}, {}
    for i = 1, 100 do futures[i] = providers.ssg:start("status", charge) end
    for i = 1, 100 do assert(live.await(futures[i])) end
    for _, request in ipairs(sandbox.requests { provider = "ssg", operation = "status" }) do
      connections[request.connection] = true
    end
    assert.is_truthy(next(connections))
    assert.is_nil(next(connections, next(connections)))
    assert.is_true(core.reactor():pending() <= before)
  end)
end)
