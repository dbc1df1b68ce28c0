local ability = require "pix.flow.ability"
local pix = require "pix"

describe("pix.flow.ability", function()
  local accounts = {
    detseg = { client_id = "a", client_token = "b" },
    payzu = { api_key = "a", webhook_url = "https://shop.example/pix" },
    ssg = { client_id = "a", client_secret = "b", device_code = "c" },
  }

  it("knows every provider that is built in, and says of it what the core says", function()
    for _, name in ipairs(pix.providers()) do
      local provider = assert(pix.provider(name, assert(accounts[name], name)))
      for _, operation in ipairs { "charge", "cancel", "refund", "subscribe" } do
        assert.equal(provider:supports(operation), ability.can(name, operation),
          name .. " " .. operation)
      end
    end
  end)

  it("trusts nobody that it does not know", function()
    assert.equal("none", ability.among({ "acme" }, "refund"))
    assert.equal("some", ability.among({ "acme", "ssg" }, "refund"))
    assert.equal("all", ability.among({ "ssg" }, "refund"))
    assert.equal("some", ability.among(nil, "refund"))
  end)
end)
