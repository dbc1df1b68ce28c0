--- Killed between the record of an order's second payment and its refund, a program left that money
-- where it was: nothing looks at a paid charge again, and no person was told, because the provider
-- can refund.
local journals = require "pix.journal"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("a second payment whose program dies before it is given back", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  local function open(journal)
    return s:open { "ssg", journal = journal or s:file(), expires_in = 60, worker = "shop-1" }
  end

  -- An order with two payments; the program has died when the second one was recorded.
  local function pay_twice()
    s.t:handle("ssg", "cancel", function() return { body = { status = "PENDING" } } end)
    local journal = assert(journals.open(s:file(), { worker = "shop-1" }))
    local shop = open(journal)
    local first = assert(shop:charge(shops.order "o-1"))
    s.t:advance(61)
    shop._watch:round()
    assert.equal("expired", shop:status(first))
    local second = assert(shop:charge(shops.order "o-1"))
    s.t:pay(first)
    assert.equal("paid", shop:status(first))
    s.t:pay(second)
    local status = journal.status
    function journal.status(...)
      status(...)
      error("dies here", 0)
    end
    assert.is_false((pcall(shop.status, shop, second)))
    shop:close()
    return first, second
  end

  local function status_of(shop, charge)
    return shop._store:by_charge("ssg", charge.id).status
  end

  it("is given back at the next start", function()
    local first, second = pay_twice()
    local shop = open()
    assert(shop:recover())
    assert.equal("refunded", status_of(shop, second))
    assert.equal("paid", status_of(shop, first))
    assert(shop:recover())
    assert.equal(1, s:asked("refund").ssg)
  end)

  it("is given back by whoever watches", function()
    local _, second = pay_twice()
    local shop = open()
    pix.run(function() shop:watch { ["for"] = 300 } end)
    assert.equal("refunded", status_of(shop, second))
    assert.equal(1, s:asked("refund").ssg)
  end)

  it("is given back later if that fails, and by a person if it always will", function()
    local _, second = pay_twice()
    local shop = open()
    s:fail("ssg", "network", "no", 3, "refund")
    pix.run(function() shop:watch { ["for"] = 200 } end)
    assert.equal("paid", status_of(shop, second))
    assert.equal(0, s:count "charge.attention")
    s.t:reply("ssg", "refund", { status = 403, body = {} })
    pix.run(function() shop:watch { ["for"] = 3600 } end)
    assert.equal("paid", status_of(shop, second))
    assert.equal(1, s:count "charge.attention")
    assert.is_true(shop._store:by_charge("ssg", second.id).owed)
  end)
end)
