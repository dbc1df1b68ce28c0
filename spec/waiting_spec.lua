local waiting = require "pix.waiting"

describe("waiting.interval", function()
  it("looks every two to three seconds in the first minute", function()
    assert.equal(2, (waiting.interval(0, nil, 0)))
    assert.equal(2.5, (waiting.interval(59.9, 3, 0.5)))
    assert.is_true(waiting.interval(30, 3, 0.999) < 3)
  end)

  it("grows by half after the first minute, up to fifteen seconds", function()
    local base, seen = 3, {}
    for i = 1, 6 do
      local _
      _, base = waiting.interval(60, base, 0)
      seen[i] = base
    end
    assert.same({ 4.5, 6.75, 10.125, 15, 15, 15 }, seen)
  end)

  it("takes up to a fifth off by chance, and adds nothing", function()
    assert.equal(12, (waiting.interval(1000, 15, 0)))
    assert.is_true(waiting.interval(1000, 15, 0.999) < 15)
  end)

  it("begins to grow from the eager interval when it has no former one", function()
    assert.equal(4.5, (select(2, waiting.interval(60, nil, 0))))
  end)
end)

describe("waiting.after_error", function()
  it("keeps the interval without an error, or with one that asks for nothing", function()
    assert.equal(3, waiting.after_error(3, nil))
    assert.equal(3, waiting.after_error(3, { kind = "network" }))
  end)

  it("honours retry_after, up to a minute", function()
    assert.equal(20, waiting.after_error(3, { retry_after = 20 }))
    assert.equal(60, waiting.after_error(3, { retry_after = 3600 }))
    assert.equal(3, waiting.after_error(3, { retry_after = 1 }))
  end)
end)

describe("waiting.passing", function()
  for _, kind in ipairs { "network", "timeout", "rate_limited", "unavailable", "protocol" } do
    it("passes over " .. kind, function()
      assert.is_true(waiting.passing { kind = kind })
    end)
  end

  for _, kind in ipairs { "auth", "not_found", "invalid", "config", "cancelled", "mismatch" } do
    it("ends at " .. kind, function()
      assert.is_false(waiting.passing { kind = kind })
    end)
  end
end)

describe("waiting.reserve", function()
  it("lets a minute's worth go at once, and then one each second and a half", function()
    local bucket, delay
    for i = 1, 40 do
      delay, bucket = waiting.reserve(bucket, 100)
      assert.equal(0, delay, "request " .. i)
    end
    delay, bucket = waiting.reserve(bucket, 100)
    assert.equal(1.5, delay)
    assert.equal(3, (waiting.reserve(bucket, 100)))
  end)

  it("refills with time, and never beyond a minute's worth", function()
    local bucket = { tokens = 0, at = 0 }
    assert.equal(0, (waiting.reserve(bucket, 1.5)))
    local _, full = waiting.reserve(bucket, 1e6)
    assert.equal(39, full.tokens)
  end)

  it("does not write into the bucket it is given", function()
    local bucket = { tokens = 5, at = 0 }
    waiting.reserve(bucket, 10)
    assert.same({ tokens = 5, at = 0 }, bucket)
  end)
end)
