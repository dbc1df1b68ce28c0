--- A checkout over the real transport: the sandbox, its faults and its ledger, and SQLite.
local live = require "spec.support.live"
local nginx = require "spec.support.nginx"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("the checkout at the sandbox", function()
  local sandbox, file, shop, events

  setup(function() sandbox = live.start() end)
  teardown(function() sandbox.stop() end)

  before_each(function()
    sandbox.reset()
    file, events = os.tmpname(), {}
  end)

  after_each(function()
    shop:close()
    for _, ending in ipairs { "", "-wal", "-shm" } do
      os.remove(file .. ending)
    end
  end)

  -- A shop over these providers, as a program that has just started would open it. Where an answer
  -- is waited for in vain, `patience` says how long.
  local function open(names, options, patience)
    local all = { journal = file, retry = { base = 0.01, cap = 0.02 }, log = function() end,
      on_event = function(event) events[#events + 1] = event.type end }
    for i, name in ipairs(names) do
      all[i] = live.provider(sandbox, name, { timeout = patience or 20 })
    end
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    shop = assert(pix.checkout(all))
    return shop
  end

  local function count(name)
    local found = 0
    for _, event in ipairs(events) do
      if event == name then found = found + 1 end
    end
    return found
  end

  it("takes a payment, tells of it once, and pays it back", function()
    local charge = assert(open({ "ssg", "payzu" }):charge(shops.order "o-1"))
    sandbox.pay(charge)
    assert.equal("paid", shop:status "o-1")
    assert.equal("paid", charge:wait { timeout = 1 })
    assert.equal("refunded", charge:refund())
    assert.equal("refunded", sandbox.charge(charge.id).status)
    assert.same({ 1, 1 }, { count "charge.paid", count "charge.refunded" })
  end)

  it("gives the stored charge after a restart, and makes no second one", function()
    local first = assert(open({ "payzu" }):charge(shops.order "o-1"))
    shop:close()
    local second = assert(open({ "payzu" }):charge(shops.order "o-1"))
    assert.same({ first.id, first.code }, { second.id, second.code })
    assert.equal(1, #sandbox.ledger().charges)
  end)

  it("goes to the next provider when the first one cannot be reached", function()
    open({ "ssg", "payzu" }, { [1] = live.provider(sandbox, "ssg",
      { base_url = "http://127.0.0.1:9", connect_timeout = 0.5 }) })
    local charge = assert(shop:charge(shops.order "o-1"))
    assert.same({ "payzu", 4 }, { charge.provider, charge.attempts })
    assert.equal(1, #sandbox.ledger().charges)
  end)

  local LOST = {
    ["a reset"] = { reset = "after" }, ["a cut answer"] = { truncate = 0.5 },
    ["a time-out"] = { hang = true, processed = true },
    ["a 502"] = { status = 502, processed = true },
  }
  for name, fault in pairs(LOST) do
    it("after " .. name .. " finds the charge in the list, and never shows two codes", function()
      fault.provider, fault.operation = "detseg", "charge"
      open({ "detseg", "ssg" }, nil, fault.hang and 2)
      sandbox.fault(fault)
      local charge, err = shop:charge(shops.order "o-1")
      assert.is_nil(charge)
      assert.equal("maybe", err.sent)
      nginx.eventually("the sandbox has made it, be it late", function()
        return #sandbox.ledger().charges == 1
      end)
      shop:close()
      open({ "detseg", "ssg" })
      assert.equal(1, shop:recover().resolved)
      charge = assert(shop:charge(shops.order "o-1"))
      assert.not_equal(sandbox.ledger().charges[1].id, charge.id)
      assert.equal(2, #sandbox.ledger().charges)
      assert.equal(1, count "charge.orphan")
    end)
  end

  it("after a cancel without an answer looks before it repeats", function()
    local charge = assert(open({ "ssg" }):charge(shops.order "o-1"))
    sandbox.fault { provider = "ssg", operation = "cancel", reset = "after" }
    assert.equal("cancelled", charge:cancel())
    assert.equal(1, sandbox.count { provider = "ssg", operation = "cancel" })
    assert.equal("cancelled", sandbox.charge(charge.id).status)
  end)

  it("pays a second payment of one order back", function()
    open({ "ssg" }, { expires_in = 0.05 })
    local first = assert(shop:charge(shops.order "o-1"))
    assert.equal("cancelled", shop:cancel(first))
    local second = assert(shop:charge(shops.order "o-1"))
    sandbox.pay(first)
    assert.equal("paid", shop:status(first))
    sandbox.pay(second)
    shop:status(second)
    assert.equal("refunded", sandbox.charge(second.id).status)
    assert.same({ 1, 1 }, { count "charge.late", count "charge.duplicate" })
  end)

  it("handles a hundred orders at once, each exactly once", function()
    open({ "payzu", "ssg", "detseg" }, { select = "round_robin" })
    pix.run(function()
      local list = {}
      for i = 1, 100 do
        list[i] = function() return shop:charge(shops.order("o-" .. i % 50)) end
      end
      local results, errors = pix.all(list)
      assert.is_nil(errors)
      for i = 1, 50 do
        assert.equal(results[i], results[i + 50])
      end
    end)
    assert.equal(50, #sandbox.ledger().charges)
    assert.equal(50, count "charge.created")
  end)
end)
