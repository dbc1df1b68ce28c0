local core = require "pix.core"

local function keys(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

describe("core.provider_facts", function()
  it("says of a provider what its descriptor says", function()
    local facts = core.provider_facts "detseg"
    assert.equal("detseg", facts.name)
    assert.equal("https://api.detsegpay.com/v1", facts.base_url)
    assert.same({ "client_id", "client_token" }, facts.credentials)
    assert.same({ "user_id", "dialect", "amount_unit" }, facts.options)
    assert.same({ "charge", "check", "search", "status" }, keys(facts.operations))
    assert.is_nil(facts.webhook_option)
  end)

  it("names the option without which a charge would have no webhook", function()
    assert.equal("webhook_url", core.provider_facts("payzu").webhook_option)
    assert.is_nil(core.provider_facts("ssg").webhook_option)
  end)

  it("prefixes variables with the provider's name, unless the descriptor says otherwise", function()
    assert.equal("SSG", core.provider_facts("ssg").environment)
    assert.equal("DETSEGPAY", core.provider_facts("detseg").environment)
  end)

  it("agrees with the account that is made of its credentials", function()
    for _, name in ipairs(core.providers()) do
      local facts, options = core.provider_facts(name), {}
      for _, credential in ipairs(facts.credentials) do options[credential] = "x" end
      local provider = assert(core.provider(name, options))
      for _, operation in ipairs { "check", "charge", "status", "search", "cancel", "refund",
        "subscribe" } do
        assert.equal(provider:supports(operation), facts.operations[operation] == true,
          name .. " " .. operation)
      end
      for _, credential in ipairs(facts.credentials) do
        options[credential] = nil
        assert.is_nil((core.provider(name, options)), name .. " without " .. credential)
        options[credential] = "x"
      end
    end
  end)

  it("is a table of its own each time", function()
    core.provider_facts("ssg").credentials[1] = "changed"
    assert.equal("client_id", core.provider_facts("ssg").credentials[1])
  end)

  it("knows nothing of a provider that is not built in", function()
    assert.is_nil(core.provider_facts "acme")
    assert.is_nil(core.provider_facts "")
  end)
end)
