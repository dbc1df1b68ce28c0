local pix = require "pix"

describe("a provider object", function()
  local t, ssg

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
  end)

  after_each(function() t:stop() end)

  it("is made by its name, or by pix.provider", function()
    local other = assert(pix.provider("ssg",
      { client_id = "i", client_secret = "s", device_code = "d" }))
    assert.equal(ssg:name(), other:name())
  end)

  it("comes with every name that is registered", function()
    for _, name in ipairs(pix.providers()) do
      assert.equal("function", type(pix[name]), name)
    end
    assert.is_nil(pix.nobody)
  end)

  it("is refused with the option that is missing", function()
    local provider, err = pix.ssg { client_id = "i" }
    assert.is_nil(provider)
    assert.equal("config", err.kind)
    assert.matches("client_secret", err.message)
  end)

  it("waits in each of its operations", function()
    local charge = assert(ssg:charge { amount = 100 })
    assert.equal("pending", assert(ssg:status(charge)).status)
    assert.equal("pending", assert(ssg:status(charge.id)).status)
    assert.equal("cancelled", assert(ssg:cancel(charge)).status)
    t:pay(charge)
    assert.equal("refunded", assert(ssg:refund(charge)).status)
    assert.is_true(ssg:check())
  end)

  it("lists and subscribes where the provider can", function()
    local detseg = assert(pix.detseg { client_id = "i", client_token = "t" })
    local payer = {
      name = "Ana", tax_id = "52998224725", email = "ana@example.com", phone = "11999999999",
    }
    local charge = assert(detseg:charge { amount = 100, description = "x", payer = payer })
    assert.equal(charge.id, assert(detseg:search { id = charge.id })[1].id)
    local payzu = assert(pix.payzu { api_key = "k" })
    t:reply("payzu", "subscribe", function(request)
      assert.matches("deferred", request.path)
    end)
    assert.is_table(payzu:subscribe { plan = "PLAN123", payer = payer, trial = true,
      card = pix.card { number = "4111111111111111", cvv = "123", expiry = "12/2099",
        holder = "ANA" } })
  end)

  it("says what it cannot do, before anything is sent", function()
    local list, err = ssg:search { id = "x" }
    assert.is_nil(list)
    assert.equal("unsupported", err.kind)
    assert.equal(0, #t:requests())
  end)

  it("refuses bad arguments with the field's name, and works on", function()
    for _, amount in ipairs { 0, -1, 1.5, 0 / 0, "1,2,3", true } do
      local charge, err = ssg:charge { amount = amount }
      assert.is_nil(charge)
      assert.equal("invalid", err.kind)
      assert.equal("no", err.sent)
      assert.is_truthy(err.fields.amount)
    end
    assert.equal(0, #t:requests())
    assert.is_truthy(ssg:charge { amount = 1 })
  end)

  it("raises for an operation that does not exist", function()
    assert.error_matches(function() ssg:start("steal", {}) end, "no such operation")
  end)

  it("fetches one token for many calls at once", function()
    pix.run(function()
      for _ = 1, 1000 do
        pix.spawn(function() assert(ssg:charge { amount = 100 }) end)
      end
    end)
    assert.equal(1, #t:requests("ssg", "token"))
    assert.equal(1000, #t:requests("ssg", "charge"))
  end)

  it("renews its token once when it is refused", function()
    assert(ssg:charge { amount = 100 })
    t:reply("ssg", "charge", { status = 401, body = { message = "Unauthenticated." } })
    assert.is_truthy(ssg:charge { amount = 100 })
    assert.equal(2, #t:requests("ssg", "token"))
  end)

  it("may be dropped while a call of its is under way", function()
    local future
    do
      local dropped = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
      future = dropped:start("charge", { amount = 100 })
    end
    collectgarbage()
    collectgarbage()
    assert.equal("pending", pix.await(future).status)
  end)
end)
