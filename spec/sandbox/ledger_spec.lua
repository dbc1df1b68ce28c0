local new_ledger = require("pix.sandbox.ledger").new

describe("the sandbox's ledger", function()
  local now, ledger

  before_each(function()
    now = 1000
    ledger = new_ledger(function() return now end)
  end)

  local function add()
    return ledger:add({ id = "a", provider = "ssg", amount = 1990 })
  end

  it("finds a charge by id and provider", function()
    local charge = add()
    assert.are.equal(charge, ledger:find("a"))
    assert.are.equal(charge, ledger:find("a", "ssg"))
    assert.is_nil(ledger:find("a", "payzu"))
    assert.is_nil(ledger:find(nil))
  end)

  it("moves forward only", function()
    local charge = add()
    assert.truthy(ledger:move(charge, "paid"))
    local moved, why = ledger:move(charge, "cancelled")
    assert.is_nil(moved)
    assert.are.equal("a charge that is paid cannot become cancelled", why)
  end)

  it("calls a payment after expiry late", function()
    local charge = add()
    ledger:move(charge, "expired")
    assert.is_true(ledger:move(charge, "paid").late)
  end)

  it("refunds the whole amount, once", function()
    local charge = add()
    ledger:move(charge, "paid")
    assert.are.equal(1990, ledger:move(charge, "refunded").refunded)
    assert.is_nil(ledger:move(charge, "refunded"))
  end)

  it("accepts a token until it ends, at its provider only", function()
    ledger:issue("t", "ssg", 60)
    assert.is_true(ledger:accepts("t", "ssg"))
    assert.is_false(ledger:accepts("t", "detseg"))
    assert.is_false(ledger:accepts(nil, "ssg"))
    now = now + 60
    assert.is_false(ledger:accepts("t", "ssg"))
  end)

  it("ends one token or all of a provider", function()
    ledger:issue("t", "ssg", 60)
    ledger:issue("u", "ssg", 60)
    ledger:revoke("ssg", "t")
    assert.is_false(ledger:accepts("t", "ssg"))
    assert.is_true(ledger:accepts("u", "ssg"))
    ledger:revoke("ssg")
    assert.is_false(ledger:accepts("u", "ssg"))
  end)
end)
