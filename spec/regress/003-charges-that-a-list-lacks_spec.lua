--- The journal's watcher forgot, from one look to the next, that the provider's list lacked a
-- charge (its clock was behind by more than the two minutes that are added), and asked only for
-- lists: such a charge was never seen paid.
local pix = require "pix"
local shops = require "spec.support.shop"

describe("charges that a provider's list lacks", function()
  it("are looked at one by one", function()
    local s = shops.new()
    local shop = s:open { "detseg" }
    for i = 1, 3 do
      s.t:pay(assert(shop:charge(shops.order("o-" .. i, { amount = 1000 + i }))))
    end
    s.t:handle("detseg", "search", function()
      return { status = 200, body = { transactions = {} } }
    end)
    pix.run(function() shop:watch { ["for"] = 120 } end)
    assert.equal(3, s:count "charge.paid")
    s:stop()
  end)
end)
