--- Killed between the record of a refund and the charge's new status, a program left a charge that
-- stayed "paid" in its journal for ever: nothing looks at a paid charge again.
local journals = require "pix.journal"
local shops = require "spec.support.shop"

describe("a refund whose program dies while it is recorded", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  it("is found by the next start, and so is the charge's status", function()
    local journal = assert(journals.open(s:file(), { worker = "shop-1" }))
    local shop = s:open { "ssg", journal = journal, worker = "shop-1" }
    local charge = assert(shop:charge(shops.order "o-1"))
    s.t:pay(charge)
    assert.equal("paid", shop:status "o-1")
    local answered = journal.answered
    function journal.answered(...)
      answered(...)
      error("dies here", 0)
    end
    local alive, problem = pcall(shop.refund, shop, "o-1")
    assert.is_false(alive)
    assert.truthy(problem:find("dies here", 1, true), problem)
    shop:close()
    shop = s:open { "ssg", journal = s:file(), worker = "shop-1" }
    assert(shop:recover())
    assert.equal("refunded", shop._store:by_reference("o-1")[1].status)
  end)
end)
