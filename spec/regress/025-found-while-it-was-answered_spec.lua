--- An order without an outcome was given another order's charge, whose answer was recorded between
-- two looks into the journal: is that charge known, and is anybody at it? One payment paid both.
local core = require "pix.core"
local shops = require "spec.support.shop"

describe("an order that is looked for while another one is answered", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  it("is not given the other's charge", function()
    local shop = s:open { "detseg" }
    s:fail("detseg", "timeout", "maybe")
    assert.equal("maybe", select(2, shop:charge(shops.order "o-1")).sent)
    local store = shop._store
    local other = assert(store:intent { reference = "o-2", provider = "detseg", amount = 1990,
      params = "p", now = core.reactor():wall() })
    local made = assert(s.detseg:charge { amount = 1990, payer = shops.PAYER })
    local by_charge = store.by_charge
    function store:by_charge(provider, id)
      local found = by_charge(self, provider, id)
      if id == made.id and not found then
        assert(self:answered(other.id, { now = core.reactor():wall(), charge = { id = made.id,
          code = made.code, code_kind = made.code_kind, status = "pending" } }))
      end
      return found
    end
    local charge, err = shop:charge(shops.order "o-1")
    assert.is_nil(charge)
    assert.same({ "conflict", "unknown" }, { err.kind, err.code })
    assert.is_nil(store:by_reference("o-1")[1].charge_id)
    assert.equal("o-2", by_charge(store, "detseg", made.id).reference)
  end)
end)
