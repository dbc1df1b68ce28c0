--- Who asked for a refund while another was under way sent a second one: what was in flight was
-- taken for what a dead program had left.
local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("a refund that is asked for twice at once", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  it("is sent once, and both hear of it", function()
    local shop = s:open { "ssg", journal = s:file() }
    local charge = assert(shop:charge(shops.order "o-1"))
    s.t:pay(charge)
    assert.equal("paid", shop:status(charge))
    local done = core.reactor():now() + 5
    s.t:reply("ssg", "refund", { delay = 5, body = { id = charge.id, status = "REFUNDED",
      value = 19.9 } })
    s.t:handle("ssg", "status", function()
      return { body = { status = core.reactor():now() < done and "PAID" or "REFUNDED" } }
    end)
    pix.run(function()
      local one = pix.spawn(function() return shop:refund "o-1" end)
      local other = pix.spawn(function() return charge:refund() end)
      assert.equal("refunded", (one:await()))
      assert.equal("refunded", (other:await()))
    end)
    assert.equal(1, s:asked("refund").ssg)
  end)

  it("is refused while another process is at it, and looked into when that has died", function()
    local shop = s:open { "ssg", journal = s:file() }
    local charge = assert(shop:charge(shops.order "o-1"))
    s.t:pay(charge)
    assert.equal("paid", shop:status(charge))
    local row = shop._store:by_charge("ssg", charge.id)
    local elsewhere = assert(journals.open(s:file()))
    assert(elsewhere:intent { reference = row.id, kind = "refund", provider = "ssg", amount = 1990,
      params = "refund", now = core.reactor():wall(), lease = 120 })
    local status, err = shop:refund "o-1"
    assert.is_nil(status)
    assert.same({ "conflict", "busy", "no", "o-1", 120 },
      { err.kind, err.code, err.sent, err.reference, err.retry_after })
    assert.equal(0, s:asked("refund").ssg)
    s.t:advance(121)
    assert.equal("refunded", shop:refund "o-1")
    assert.equal(1, s:asked("refund").ssg)
    elsewhere:close()
  end)
end)
