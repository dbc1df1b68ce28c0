local ability = require "pix.flow.ability"
local core = require "pix.core"
local pix = require "pix"

describe("pix.flow.ability", function()
  local function account_of(name)
    local options = {}
    for _, credential in ipairs(core.provider_facts(name).credentials) do
      options[credential] = "a"
    end
    return assert(pix.provider(name, options))
  end

  it("knows every provider that is built in, and says of it what the core says", function()
    for _, name in ipairs(pix.providers()) do
      local provider = account_of(name)
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
