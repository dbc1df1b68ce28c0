local retry = require "pix.retry"

local function err(kind, sent, retry_after)
  return { kind = kind, sent = sent, retry_after = retry_after }
end

local ALL = { "read", "create", "settle", "capture" }

-- kind, sent, and the verdict for read, create, settle, capture.
local TABLE = {
  { "network", "no", "repeat", "repeat", "repeat", "repeat" },
  { "timeout", "no", "repeat", "repeat", "repeat", "repeat" },
  { "unavailable", "no", "repeat", "repeat", "repeat", "repeat" },
  { "rate_limited", "no", "repeat", "repeat", "repeat", "repeat" },
  { "network", "maybe", "repeat", "stop", "look", "stop" },
  { "timeout", "maybe", "repeat", "stop", "look", "stop" },
  { "unavailable", "maybe", "repeat", "stop", "look", "stop" },
  { "protocol", "maybe", "repeat", "stop", "look", "stop" },
  { "unavailable", "yes", "repeat", "stop", "stop", "stop" },
  { "rate_limited", "yes", "repeat", "repeat", "repeat", "stop" },
  { "protocol", "yes", "stop", "stop", "stop", "stop" },
  { "invalid", "yes", "stop", "stop", "stop", "stop" },
  { "invalid", "no", "stop", "stop", "stop", "stop" },
  { "declined", "yes", "stop", "stop", "stop", "stop" },
  { "conflict", "yes", "stop", "stop", "stop", "stop" },
  { "not_found", "yes", "stop", "stop", "stop", "stop" },
  { "auth", "yes", "stop", "stop", "stop", "stop" },
  { "auth", "no", "stop", "stop", "stop", "stop" },
  { "mismatch", "yes", "stop", "stop", "stop", "stop" },
  { "cancelled", "no", "stop", "stop", "stop", "stop" },
  { "journal", "no", "stop", "stop", "stop", "stop" },
}

describe("retry", function()
  for _, row in ipairs(TABLE) do
    for i, class in ipairs(ALL) do
      it(("of a %s after %s, sent = %s: %s"):format(class, row[1], row[2], row[2 + i]), function()
        assert.equal(row[2 + i], (retry.judge(class, err(row[1], row[2]))))
      end)
    end
  end

  it("waits 0.5 s · 2ⁿ, capped at 5 s", function()
    local expected = { 0.5, 1, 2, 4, 5, 5 }
    for tries, seconds in ipairs(expected) do
      assert.equal(seconds, retry.delay(tries, {}, 1, nil))
    end
  end)

  it("takes 50–100 % of the delay by chance", function()
    assert.equal(0.25, retry.delay(1, {}, 0, nil))
    assert.equal(2.5, retry.delay(9, {}, 0, nil))
  end)

  it("honours Retry-After, capped at 60 s", function()
    assert.equal(7, retry.delay(1, {}, 0, 7))
    assert.equal(60, retry.delay(1, {}, 0, 3600))
  end)

  it("makes two more tries by default", function()
    local facts = { class = "read", err = err("network", "no"), random = 0, tries = 2 }
    assert.equal("repeat", (retry.decide(facts)))
    facts.tries = 3
    assert.same({ "stop", "attempts" }, { retry.decide(facts) })
  end)

  it("lets the deadline win over the number of tries", function()
    local facts = { class = "read", err = err("network", "no"), random = 0, tries = 1, left = 0.2 }
    assert.same({ "stop", "deadline" }, { retry.decide(facts) })
    facts.left = 0.3
    assert.same({ "repeat", 0.25 }, { retry.decide(facts) })
  end)

  it("has a class for every operation", function()
    assert.equal("create", retry.CLASS.charge)
    assert.equal("settle", retry.CLASS.refund)
    assert.equal("capture", retry.CLASS.subscribe)
    assert.equal("read", retry.CLASS.search)
  end)

  it("refuses options that make no sense", function()
    assert.is_nil((retry.options { attempts = 0 }))
    assert.is_nil((retry.options { attempts = 1.5 }))
    assert.is_nil((retry.options { tries = 2 }))
    assert.same({ attempts = 1, base = 0.5, cap = 5 }, retry.options { attempts = 1 })
  end)
end)

describe("failover to another provider", function()
  local function may(kind, sent) return retry.may_fail_over(err(kind, sent)) end

  it("is allowed when nothing was sent", function()
    for _, kind in ipairs { "network", "timeout", "auth", "unavailable", "unsupported",
      "invalid" } do
      assert.is_true(may(kind, "no"), kind)
    end
  end)

  it("is allowed after a refusal that concerns the provider", function()
    assert.is_true(may("auth", "yes"))
    assert.is_true(may("rate_limited", "yes"))
  end)

  it("stops after a refusal of the order", function()
    for _, kind in ipairs { "invalid", "declined", "conflict", "not_found", "mismatch" } do
      assert.is_false(may(kind, "yes"), kind)
    end
  end)

  it("stops when it is not known whether something was done", function()
    for _, kind in ipairs { "network", "timeout", "unavailable", "protocol" } do
      assert.is_false(may(kind, "maybe"), kind)
    end
  end)

  it("stops when the program cancelled, or the journal cannot write", function()
    assert.is_false(may("cancelled", "no"))
    assert.is_false(may("journal", "no"))
  end)
end)
