--- What a process that died had left in flight was found only when some process started: those that
-- went on watching passed over it, and neither the program nor a person was told.
local core = require "pix.core"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("what was left in flight", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  local function leave(shop, provider)
    assert(shop._store:intent { reference = "o-1", provider = provider, amount = 1990,
      params = "p", now = core.reactor():wall(), lease = 60 })
  end

  it("is told of by whoever watches, when its lease is over", function()
    local shop = s:open { "ssg" }
    leave(shop, "ssg")
    pix.run(function() shop:watch { ["for"] = 50 } end)
    assert.equal(0, s:count "charge.unknown")
    pix.run(function() shop:watch { ["for"] = 90 } end)
    assert.equal(1, s:count "charge.unknown")
    assert.is_true(s.events[1].needs_person)
  end)

  it("is looked for, and found to be an orphan or never made", function()
    local shop = s:open { "detseg" }
    leave(shop, "detseg")
    local made = assert(s.detseg:charge { amount = 1990, payer = shops.PAYER })
    pix.run(function() shop:watch { ["for"] = 300 } end)
    assert.equal(1, s:count "charge.orphan")
    assert.equal("o-1", shop._store:by_charge("detseg", made.id).reference)
  end)
end)
