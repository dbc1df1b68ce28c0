-- What pix.testing answers for a provider without answers of its own: tried with providers that
-- have a simulator, whose own answers are taken away meanwhile.
local pix = require "pix"
local replies = require "pix.testing.replies"

local DEVICE = require("pix.sandbox.ssg").credentials.device_code
local OPTIONS = {
  detseg = { client_id = "i", client_token = "t" },
  payzu = { api_key = "k", webhook_url = "https://shop.example/hook", webhook_secret = "s" },
  ssg = { client_id = "i", client_secret = "s", device_code = DEVICE },
}
local PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "85987654321" }

describe("the answers of a provider that the sandbox simulates", function()
  local t, own

  before_each(function()
    own = {}
    for name in pairs(OPTIONS) do
      own[name] = rawget(replies.providers, name)
      rawset(replies.providers, name, nil)
    end
    t = pix.testing.start()
  end)

  after_each(function()
    t:stop()
    for name, answers in pairs(own) do rawset(replies.providers, name, answers) end
  end)

  local function charge_at(name)
    local provider = assert(pix.provider(name, OPTIONS[name]))
    return provider, assert(provider:charge { amount = 1990, payer = PAYER, description = "Café" })
  end

  it("let a charge be paid", function()
    for name in pairs(OPTIONS) do
      local provider, charge = charge_at(name)
      assert.equal("pending", assert(provider:status(charge)).status, name)
      t:pay(charge)
      assert.equal("paid", charge:wait { timeout = 60 }, name)
    end
  end)

  it("let it be cancelled and paid back", function()
    local provider, charge = charge_at "ssg"
    assert.equal("cancelled", assert(provider:cancel(charge)).status)
    provider, charge = charge_at "ssg"
    t:pay(charge)
    assert.equal("refunded", assert(provider:refund(charge)).status)
    local _, err = provider:cancel(charge)
    assert.equal("conflict", err.kind)
  end)

  it("know their own charges only", function()
    local _, charge = charge_at "payzu"
    local provider = charge_at "ssg"
    local _, err = provider:status(charge.id)
    assert.equal("not_found", err.kind)
  end)

  it("sign a webhook", function()
    local _, charge = charge_at "payzu"
    t:pay(charge)
    local body, signature = t:webhook(charge, "s")
    local event = assert(pix.webhook.verify(body, signature, "s"))
    assert.same({ charge.id, "paid" }, { event.id, event.status })
  end)

  it("are none for a provider that nobody simulates", function()
    assert.is_nil(replies.providers.nobody)
    assert.is_nil(replies.providers["../x"])
  end)
end)
