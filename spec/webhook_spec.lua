local pix = require "pix"

describe("pix.webhook.verify", function()
  local t, charge, body, signature

  before_each(function()
    t = pix.testing.start()
    local payzu = assert(pix.payzu { api_key = "k", webhook_url = "https://shop.example/hook" })
    charge = assert(payzu:charge { amount = 1990 })
    t:pay(charge)
    body, signature = t:webhook(charge, "new secret")
  end)

  after_each(function() t:stop() end)

  it("gives the event of a genuine notification", function()
    local event = assert(pix.webhook.verify(body, signature, "new secret"))
    assert.equal("payzu", event.provider)
    assert.equal(charge.id, event.id)
    assert.equal("paid", event.status)
    assert.equal("completed", event.raw_status)
    assert.equal(1990, event.amount)
    assert.equal(event.key, pix.webhook.verify(body, signature, "new secret").key)
  end)

  it("takes several secrets while one is being replaced", function()
    assert.is_table(pix.webhook.verify(body, signature, { "old secret", "new secret" }))
  end)

  it("is asked of the provider that is named, if that signs", function()
    assert.is_table(pix.webhook.verify(body, signature, "new secret", "payzu"))
    for _, name in ipairs { "nobody", "ssg" } do
      assert.has_error(function() pix.webhook.verify(body, signature, "new secret", name) end)
    end
  end)

  it("takes one to some secrets, and a body of some size", function()
    local many = {}
    for i = 1, 100 do many[i] = "secret " .. i end
    for _, secrets in ipairs { {}, many } do
      local event, err = pix.webhook.verify(body, signature, secrets)
      assert.is_nil(event)
      assert.equal("invalid", err.kind)
      assert.truthy(tostring(err):find("secret", 1, true))
    end
    local _, err = pix.webhook.verify(("x"):rep(1024 * 1024), signature, "new secret")
    assert.equal("invalid", err.kind)
    assert.truthy(err.message:find("longer than", 1, true))
  end)

  it("wakes whoever waits for the charge it speaks of", function()
    pix.webhook.listen()
    local payzu = assert(pix.payzu { api_key = "k", webhook_url = "https://shop.example/hook" })
    local other = assert(payzu:charge { amount = 500 })
    pix.run(function()
      local waiting = pix.spawn(function() return other:wait { timeout = 300, every = 100 } end)
      pix.sleep(1)
      t:pay(other)
      local text, mac = t:webhook(other, "new secret")
      local before = t:now()
      pix.webhook.wake(assert(pix.webhook.verify(text, mac, "new secret")))
      assert.equal("paid", waiting:await())
      assert.truthy(t:now() - before < 5)
    end)
  end)

  it("has a handler for OpenResty only", function()
    local ok, err = pcall(pix.webhook.handler, { secret = "x" })
    assert.is_false(ok)
    assert.truthy(err:find("it is for OpenResty", 1, true))
  end)

  it("takes the spellings of a signature", function()
    assert.is_table(pix.webhook.verify(body, signature:upper(), "new secret"))
    assert.is_table(pix.webhook.verify(body, "sha256=" .. signature, "new secret"))
  end)

  it("refuses another secret, another body, another signature, and none", function()
    local other = signature:gsub("^.", function(c) return c == "0" and "1" or "0" end)
    for _, case in ipairs {
      { body, signature, "old secret" },
      { body .. " ", signature, "new secret" },
      { body, other, "new secret" },
      { body, "", "new secret" },
      { body, nil, "new secret" },
    } do
      local event, err = pix.webhook.verify(case[1], case[2], case[3])
      assert.is_nil(event)
      assert.equal("auth", err.kind)
    end
  end)

  it("gives an error for a body that is signed and cannot be read", function()
    for _, text in ipairs { "not JSON", "[]", "{}", '{"transaction":{"id":1}}' } do
      local event, err = pix.webhook.verify(text, t:sign(text, "new secret"), "new secret")
      assert.is_nil(event)
      assert.equal("invalid", err.kind, text)
    end
  end)
end)
