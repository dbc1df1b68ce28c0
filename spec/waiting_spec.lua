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

describe("waiting.interval, where a program says how often", function()
  it("keeps to that all along, with a little jitter", function()
    for _, elapsed in ipairs { 0, 59, 61, 3600 } do
      assert.near(0.675, (waiting.interval(elapsed, nil, 0, 0.75)), 1e-9)
      assert.near(0.75, (waiting.interval(elapsed, 15, 1, 0.75)), 1e-9)
    end
  end)
end)

describe("waiting.reserve", function()
  -- Takes what it gets for `seconds`; the most that left in any minute.
  local function most_in_a_minute(seconds, per_minute)
    local now, sent, most, delay, bucket = 0, {}, 0
    while now < seconds do
      delay, bucket = waiting.reserve(bucket, now, per_minute)
      now = now + delay
      sent[#sent + 1] = now
    end
    for i, at in ipairs(sent) do
      local n = i
      while sent[n] and sent[n] < at + 60 do n = n + 1 end
      most = math.max(most, n - i)
    end
    return most
  end

  it("lets 40 go in any minute, and no more", function()
    local most = most_in_a_minute(600)
    assert.is_true(most <= 40 and most >= 38, most)
  end)

  it("takes another budget that the program declares", function()
    local most = most_in_a_minute(600, 90)
    assert.is_true(most <= 90 and most >= 86, most)
    assert.is_true(most_in_a_minute(600, 6) <= 6)
  end)

  it("lets a few go at once after a rest, a tenth of the budget", function()
    local bucket = { tokens = 0, at = 0 }
    for i = 1, 4 do
      local delay
      delay, bucket = waiting.reserve(bucket, 1e6)
      assert.equal(0, delay, "request " .. i)
    end
    assert.near(60 / 36, (waiting.reserve(bucket, 1e6)), 1e-6)
  end)

  it("does not write into the bucket it is given", function()
    local bucket = { tokens = 5, at = 0 }
    waiting.reserve(bucket, 10)
    assert.same({ tokens = 5, at = 0 }, bucket)
  end)
end)
