local pix = require "pix"

describe("pix", function()
  it("has its version", function()
    assert.matches("^%d+%.%d+%.%d+", pix.version)
  end)

  it("loads what is seldom used only when it is asked for", function()
    assert.is_table(pix.testing)
    assert.equal(pix.testing, require "pix.testing")
    assert.equal(pix.webhook, require "pix.webhook")
  end)

  it("gives Lua's own message for a module that is not there, and only when it is used", function()
    local loaded, preload = package.loaded["pix.checkout"], package.preload["pix.checkout"]
    local path = package.path
    package.loaded["pix.checkout"], package.preload["pix.checkout"] = nil, nil
    package.path = "nowhere/?.lua"
    rawset(pix, "checkout", nil)
    finally(function()
      package.path = path
      package.loaded["pix.checkout"], package.preload["pix.checkout"] = loaded, preload
    end)
    assert.error_matches(function() return pix.checkout end, "module 'pix.checkout' not found")
  end)

  it("reads and writes money without floating point", function()
    assert.equal(1990, pix.money "19.90")
    assert.equal(123456, pix.money "R$ 1.234,56")
    assert.equal("R$ 19,90", pix.format(1990))
    local value, err = pix.money(19.9)
    assert.is_nil(value)
    assert.equal("invalid", err.kind)
  end)

  it("checks tax ids and phones", function()
    assert.equal("cpf", (pix.tax_id "529.982.247-25"))
    assert.equal("+5511999999999", (pix.phone "11 99999-9999"))
  end)

  it("writes and reads BR Codes, and draws them", function()
    local code = assert(pix.brcode.encode {
      key = "ana@example.com", name = "ANA", city = "RECIFE", amount = 1990,
    })
    assert.equal(1990, assert(pix.brcode.decode(code)).amount)
    assert.matches("^\137PNG", pix.qr(code, "png"))
  end)

  it("prints no part of a card", function()
    local card = assert(pix.card {
      number = "4111111111111111", cvv = "737", expiry = "12/2099", holder = "ANA",
    })
    assert.is_nil(tostring(card):find("4111", 1, true))
    assert.is_nil(tostring(card):find("737", 1, true))
  end)

  it("has a descriptor for other event loops", function()
    assert.is_true(pix.fd() >= 0)
  end)

  it("names its providers", function()
    local known = {}
    for _, name in ipairs(pix.providers()) do
      known[name] = true
    end
    assert.is_true(known.ssg and known.detseg and known.payzu)
  end)
end)
