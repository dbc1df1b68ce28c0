-- Specs of a program that uses luapix. Run them in this folder: busted .
--
-- The first half needs no network and no time (pix.testing); the second half speaks real HTTP to
-- a simulator on this machine (pix.sandbox).
local pix = require "pix"
local shop = require "shop"

describe("a sale, in virtual time", function()
  local t, ssg, shipped

  local function ship(charge) shipped[#shipped + 1] = charge.id end

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "id", client_secret = "secret", device_code = "device" })
    shipped = {}
  end)

  after_each(function() t:stop() end)

  it("ships what is paid 23 hours later", function()
    pix.run(function()
      local sale = pix.spawn(shop.sell, ssg, 1990, ship)
      pix.sleep(23 * 3600) -- takes no time
      t:pay(t:requests("ssg", "status")[1].path:match "qrcode/([^/]+)")
      assert.equal("shipped", sale:await())
    end)
    assert.equal(1, #shipped)
  end)

  it("does not ship what nobody pays within a day", function()
    local outcome, err = shop.sell(ssg, 1990, ship)
    assert.equal("unpaid", outcome)
    assert.equal("timeout", err.kind)
    assert.is_true(t:now() >= 86400)
    assert.same({}, shipped)
  end)

  it("does not charge again when it cannot know whether it did", function()
    t:fail("ssg", "charge", { kind = "timeout", sent = "maybe" })
    assert.equal("unknown", (shop.sell(ssg, 1990, ship)))
    assert.equal(1, #t:requests("ssg", "charge"))
  end)
end)

describe("a sale, over HTTP", function()
  local sandbox, ssg

  setup(function()
    sandbox = pix.sandbox.start { auto_pay = 0.1 }
    local options = { base_url = sandbox.url.ssg }
    for name, value in pairs(sandbox.credentials.ssg) do
      options[name] = value
    end
    ssg = assert(pix.ssg(options))
  end)

  teardown(function() sandbox.stop() end)
  before_each(function() sandbox.reset() end)

  it("is paid and shipped", function()
    local shipped
    assert.equal("shipped", (shop.sell(ssg, 1990, function(charge) shipped = charge end)))
    assert.equal("paid", sandbox.charge(shipped.id).status)
  end)

  it("survives a provider that is down for a moment", function()
    sandbox.fault { operation = "status", status = 503 }
    assert.equal("shipped", (shop.sell(ssg, 1990, function() end)))
  end)

  it("says what went wrong", function()
    sandbox.fault { operation = "charge", status = 500, body = { message = "no" } }
    local outcome, err = shop.sell(ssg, 1990, function() end)
    assert.is_true(outcome == "unpaid" or outcome == "unknown")
    assert.equal("ssg", err.provider)
  end)
end)
