--- Two payments of one order that were heard at the same time were both given back: each looked for
-- the other after its own was recorded, found it, and took itself for the second.
local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("an order whose two charges are paid at the same time", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  -- Whoever has recorded a payment goes on when the other is recorded, too.
  local function meet(journal)
    local status, recorded = journal.status, 0
    function journal:status(id, facts)
      local row, changed = status(self, id, facts)
      if facts.status ~= "paid" then return row, changed end
      recorded = recorded + 1
      while recorded < 2 do pix.sleep(0.01) end
      return row, changed
    end
  end

  it("keeps the first payment and gives back the second", function()
    local journal = assert(journals.open(s:file()))
    s.t:handle("ssg", "cancel", function() return { body = { status = "PENDING" } } end)
    local shop = s:open { "ssg", journal = journal, expires_in = 60 }
    local first = assert(shop:charge(shops.order "o-1"))
    local row = journal:by_charge("ssg", first.id)
    journal:status(row.id, { status = "expired", now = core.reactor():wall() })
    local second = assert(shop:charge(shops.order "o-1"))
    s.t:pay(first)
    s.t:pay(second)
    meet(journal)
    pix.run(function()
      local one = pix.spawn(function() return shop:status(first) end)
      local other = pix.spawn(function() return shop:status(second) end)
      assert.same({ "paid", "paid" }, { one:await(), (other:await()) })
    end)
    assert.equal(1, s:asked("refund").ssg)
    local statuses = {}
    for _, found in ipairs(journal:by_reference "o-1") do
      statuses[#statuses + 1] = found.status
    end
    table.sort(statuses)
    assert.same({ "paid", "refunded" }, statuses)
    assert.equal(1, s:count "charge.duplicate")
  end)
end)
