--- The operations that could have what was found were read state by state, a thousand at the most:
-- behind a thousand that had no outcome an order was no longer found to be its own.
local shops = require "spec.support.shop"

describe("a charge whose answer was lost", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  it("is found however many others have no outcome", function()
    local shop = s:open { "detseg" }
    local now = require("pix.core").reactor():wall()
    for i = 1, 1000 do -- their ids come first
      local row = assert(shop._store:intent { id = ("!%04d"):format(i), reference = "other-" .. i,
        provider = "detseg", amount = 700, params = "p", now = now })
      assert(shop._store:unknown(row.id, { now = now }))
    end
    s.t:reply("detseg", "charge", function(request)
      require("pix.testing.replies").answer(s.t._book, request)
      return { fail = "network", sent = "maybe" }
    end)
    assert.equal("maybe", select(2, shop:charge(shops.order "o-1")).sent)
    assert.truthy(assert(shop:charge(shops.order "o-1")).code)
    assert.equal(1, s:count "charge.orphan")
  end)
end)
