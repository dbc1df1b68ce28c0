--- Every fault of the sandbox × every operation: what the error says, and what the ledger knows.
local live = require "spec.support.live"

-- Each operation: its class, and how to call it on a provider that has a charge already.
local OPERATIONS = {
  { "ssg", "charge", "write", function() return live.charge_args() end },
  { "ssg", "status", "read", function(charge) return charge end },
  { "ssg", "cancel", "write", function(charge) return charge end },
  { "ssg", "refund", "write", function(charge) return charge end, paid = true },
  { "detseg", "charge", "write", function() return live.charge_args() end },
  { "detseg", "status", "read", function(charge) return charge end },
  { "detseg", "search", "read", function() return { from = "2020-01-01", to = "2099-12-31" } end },
  { "payzu", "charge", "write", function() return live.charge_args() end },
  { "payzu", "status", "read", function(charge) return charge end },
  { "payzu", "subscribe", "write", function() return live.subscribe_args() end },
}

-- fault, { kind, sent } of a read, { kind, sent } of a write (create, settle, capture).
local HTML = "<html><body>Bad Gateway</body></html>"
local FAULTS = {
  { "400", { status = 400, body = "" }, { "invalid", "yes" }, { "invalid", "yes" } },
  { "403", { status = 403, body = "" }, { "auth", "yes" }, { "auth", "yes" } },
  { "404", { status = 404, body = "" }, { "not_found", "yes" }, { "not_found", "yes" } },
  { "409", { status = 409, body = "" }, { "conflict", "yes" }, { "conflict", "yes" } },
  { "422", { status = 422, body = "" }, { "invalid", "yes" }, { "invalid", "yes" } },
  { "429", { status = 429, body = "", headers = { ["retry-after"] = "7" } },
    { "rate_limited", "yes" }, { "rate_limited", "yes" } },
  { "500", { status = 500, body = "" }, { "unavailable", "yes" }, { "unavailable", "maybe" } },
  { "502 in HTML", { status = 502, body = HTML, headers = { ["content-type"] = "text/html" } },
    { "unavailable", "yes" }, { "unavailable", "maybe" } },
  { "503", { status = 503, body = "" }, { "unavailable", "yes" }, { "unavailable", "maybe" } },
  { "504", { status = 504, body = "" }, { "unavailable", "yes" }, { "unavailable", "maybe" } },
  { "a redirect", { redirect = "http://127.0.0.1:9/elsewhere" },
    { "protocol", "yes" }, { "protocol", "maybe" } },
  { "no answer", { hang = true }, { "timeout", "maybe" }, { "timeout", "maybe" }, timeout = 0.25 },
  { "a late answer", { delay = 150 },
    { "timeout", "maybe" }, { "timeout", "maybe" }, timeout = 0.25 },
  { "a reset before it is processed", { reset = "before" },
    { "network", "maybe" }, { "network", "maybe" } },
  { "a reset after it is processed", { reset = "after" },
    { "network", "maybe" }, { "network", "maybe" } },
  { "a body that is cut", { truncate = 0.5 }, { "network", "maybe" }, { "network", "maybe" } },
  { "headers that are cut", { truncate_headers = true }, { "any", "maybe" }, { "any", "maybe" } },
  { "half a JSON without length", { no_length = true },
    { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "garbage", { garbage = true }, { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "what is not HTTP", { garbage = "http" }, { "any", "maybe" }, { "any", "maybe" } },
  { "HTML", { content_type = "text/html" }, { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "an empty body", { empty = true }, { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "a huge body", { huge = 3000000 }, { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "a gzip bomb", { gzip_bomb = 30000000 }, { "protocol", "maybe" }, { "protocol", "maybe" } },
  { "a slow drip", { drip = 20 }, { "timeout", "maybe" }, { "timeout", "maybe" }, timeout = 0.25 },
}

describe("a fault", function()
  local sandbox, providers

  setup(function()
    sandbox = live.start()
    providers = {}
    for _, name in ipairs { "ssg", "detseg", "payzu" } do
      providers[name] = live.provider(sandbox, name)
    end
  end)

  teardown(function() sandbox.stop() end)

  -- A reset forgets the tokens too: a fault that counts must not meet the 401 that follows.
  before_each(function()
    sandbox.reset()
    for _, provider in pairs(providers) do
      live.call(provider, "charge", live.charge_args())
    end
  end)

  local function prepare(row)
    local provider = providers[row[1]]
    local charge = assert(live.call(provider, "charge", live.charge_args()))
    if row.paid then sandbox.pay(charge) end
    return provider, charge
  end

  -- A call with little patience. A busy machine may not even have sent the request then: in that
  -- case there is more of it.
  local function hurry(provider, operation, given, patience)
    local args = {}
    for key, value in pairs(given.provider and { charge = given } or given) do args[key] = value end
    repeat
      args.timeout, patience = patience, patience * 4
      local value, err = live.call(provider, operation, args)
      if value or err.sent ~= "no" or patience > 100 then return value, err end
    until false
  end

  local function expect(row, fault, expected)
    local provider, charge = prepare(row)
    local given = { provider = row[1], operation = row[2], times = "always" }
    for key, value in pairs(fault[2]) do given[key] = value end
    sandbox.fault(given)
    local function count() return sandbox.count { provider = row[1], operation = row[2] } end
    local before, args = count(), row[4](charge)
    local value, err
    if fault.timeout then
      value, err = hurry(provider, row[2], args, fault.timeout)
      while count() == before do os.execute "sleep 0.02" end -- it is on its way
    else
      value, err = live.call(provider, row[2], args)
    end
    assert.is_nil(value)
    assert.equal(expected[2], err.sent, tostring(err))
    if expected[1] ~= "any" then assert.equal(expected[1], err.kind, tostring(err)) end
    assert.equal(row[1], err.provider)
    assert.equal(row[2], err.operation)
    assert.truthy(#err.message > 0 and #err.hint > 0)
    assert.is_nil(tostring(err):find("\n"))
    if row[3] == "write" then
      assert.equal(before + 1, count())
    end
    return provider, err
  end

  for _, row in ipairs(OPERATIONS) do
    describe(("at %s %s:"):format(row[1], row[2]), function()
      for _, fault in ipairs(FAULTS) do
        local expected = row[3] == "read" and fault[3] or fault[4]
        local title = "%s is %s, sent = %s, and the next call works"
        it(title:format(fault[1], expected[1], expected[2]), function()
          local provider = expect(row, fault, expected)
          sandbox.clear_faults()
          assert(live.call(provider, "charge", live.charge_args()))
        end)
      end
    end)
  end

  it("of rate limiting tells how long to wait", function()
    local _, err = expect(OPERATIONS[1], FAULTS[6], FAULTS[6][4])
    assert.equal(7, err.retry_after)
  end)

  it("of an expired token is mended once, unseen", function()
    for _, name in ipairs { "ssg", "detseg" } do
      local before = sandbox.count { provider = name, operation = "charge" }
      sandbox.fault { provider = name, operation = "charge", expired_token = true }
      assert(live.call(providers[name], "charge", live.charge_args()))
      assert.equal(before + 2, sandbox.count { provider = name, operation = "charge" })
    end
  end)

  it("of a revoked key is an auth error, after one try", function()
    local before = sandbox.count { provider = "payzu", operation = "charge" }
    sandbox.fault {
      provider = "payzu", operation = "charge", expired_token = true, times = "always" }
    local _, err = live.call(providers.payzu, "charge", live.charge_args())
    assert.equal("auth", err.kind)
    assert.equal("yes", err.sent)
    assert.equal(before + 1, sandbox.count { provider = "payzu", operation = "charge" })
  end)

  it("of another amount is a mismatch that names the charge", function()
    for _, name in ipairs { "ssg", "detseg", "payzu" } do
      sandbox.fault { provider = name, operation = "charge", amount = 4242 }
      local value, err = live.call(providers[name], "charge", live.charge_args())
      assert.is_nil(value)
      assert.equal("mismatch", err.kind, tostring(err))
      assert.equal("yes", err.sent)
      assert.truthy(sandbox.charge(err.id))
    end
  end)

  it("of a missing id leaves the outcome open", function()
    for _, name in ipairs { "ssg", "detseg", "payzu" } do
      sandbox.fault { provider = name, operation = "charge", missing_id = true }
      local value, err = live.call(providers[name], "charge", live.charge_args())
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.equal("maybe", err.sent)
    end
  end)

  it("of a kept connection that dies never sends a write twice", function()
    for _, row in ipairs(OPERATIONS) do
      if row[3] == "write" then
        local provider, charge = prepare(row)
        sandbox.fault {
          provider = row[1], operation = row[2], close_keepalive = true, times = "always" }
        local before = sandbox.count { provider = row[1], operation = row[2] }
        local value, err = live.call(provider, row[2], row[4](charge))
        assert.is_nil(value)
        assert.equal("network", err.kind, tostring(err))
        assert.equal("maybe", err.sent)
        assert.equal(before + 1, sandbox.count { provider = row[1], operation = row[2] })
        sandbox.clear_faults()
      end
    end
  end)

  it("of a kept connection that dies is mended for a read", function()
    for _, row in ipairs(OPERATIONS) do
      if row[3] == "read" then
        local provider, charge = prepare(row)
        sandbox.fault { provider = row[1], operation = row[2], close_keepalive = true }
        assert(live.call(provider, row[2], row[4](charge)))
      end
    end
  end)

  it("of a port where nobody listens is sent = no, everywhere", function()
    local url = "http://127.0.0.1:9"
    for _, row in ipairs(OPERATIONS) do
      local provider = live.provider(sandbox, row[1], { base_url = url })
      local charge = { id = "abc", amount = 1990, provider = row[1] }
      local value, err = live.call(provider, row[2], row[4](charge))
      assert.is_nil(value)
      assert.equal("network", err.kind, tostring(err))
      assert.equal("no", err.sent)
    end
  end)
end)
