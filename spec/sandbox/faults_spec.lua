local faults = require("pix.sandbox.faults")
local json = require("pix.sandbox.json")

local MODULES = {
  ssg = { operations = { "token", "charge", "refund" }, id_members = { id = true } },
  payzu = { operations = { "charge", "subscribe" }, id_members = { id = true } },
}

describe("the sandbox's faults", function()
  local list

  before_each(function()
    list = faults.new(MODULES)
  end)

  local function request(changes)
    local result = { provider = "ssg", operation = "charge" }
    for name, value in pairs(changes or {}) do
      result[name] = value
    end
    return result
  end

  for _, case in ipairs({
    { { hnag = true }, 'fault: unknown key "hnag"' },
    { { hang = 1 }, "fault: hang must be true" },
    { { status = 99 }, "fault: status must be an HTTP status from 200 to 599" },
    { { reset = true }, 'fault: reset must be "before" or "after"' },
    { { times = 0, hang = true }, 'fault: times must be a whole number above 0 or "always"' },
    { { provider = "pagarme", hang = true }, 'fault: unknown provider "pagarme"' },
    { { provider = "ssg", operation = "subscribe", hang = true },
      'fault: unknown operation "subscribe" of ssg' },
    { { operation = "transfer", hang = true }, 'fault: unknown operation "transfer"' },
    { { hang = true, empty = true }, "fault: empty and hang exclude each other" },
    { { provider = "ssg" }, "fault: says no fault (status, delay, hang, reset, …)" },
  }) do
    it("refuses with: " .. case[2], function()
      local fault, why = list:add(case[1])
      assert.is_nil(fault)
      assert.are.equal(case[2], why)
    end)
  end

  it("concerns its provider and operation only", function()
    list:add({ provider = "ssg", operation = "refund", hang = true })
    assert.is_nil(list:take(request()))
    assert.is_nil(list:take(request({ provider = "payzu", operation = "refund" })))
    assert.are.equal("hang", list:take(request({ operation = "refund" })).kind)
  end)

  it("happens once unless told otherwise", function()
    list:add({ hang = true })
    list:take(request())
    assert.is_nil(list:take(request()))
  end)

  it("skips `after` requests, then happens `times` times", function()
    list:add({ hang = true, after = 1, times = 2 })
    local hits = {}
    for i = 1, 4 do
      hits[i] = list:take(request()) ~= nil
    end
    assert.are.same({ false, true, true, false }, hits)
  end)

  it("happens always", function()
    list:add({ hang = true, times = "always" })
    for _ = 1, 100 do
      assert.truthy(list:take(request()))
    end
    assert.are.equal("always", list:list()[1].remaining)
    assert.are.equal(100, list:list()[1].hits)
  end)

  it("closes only connections that were used before", function()
    list:add({ close_keepalive = true })
    assert.is_nil(list:take(request({ reused = false })))
    assert.truthy(list:take(request({ reused = true })))
  end)

  it("is not processed before a refusal, and is before a spoilt answer", function()
    assert.is_false(list:add({ status = 503 }).processed)
    assert.is_false(list:add({ reset = "before" }).processed)
    assert.is_true(list:add({ reset = "after" }).processed)
    assert.is_true(list:add({ truncate = 0.5 }).processed)
    assert.is_true(list:add({ delay = 1 }).processed)
    assert.is_true(list:add({ status = 500, processed = true }).processed)
  end)

  it("shapes the reply", function()
    local function shaped(given)
      local reply = { status = 201, body = json.object("id", "1", "a", "b") }
      return faults.shape(list:add(given), reply, MODULES.ssg)
    end
    assert.are.same({ status = 503, body = "busy", headers = { ["retry-after"] = "3" } },
      shaped({ status = 503, body = "busy", headers = { ["Retry-After"] = 3 } }))
    assert.are.same({ status = 302, body = "", headers = { location = "http://x/" } },
      shaped({ redirect = "http://x/" }))
    assert.are.same({ status = 200, body = "" }, shaped({ empty = true }))
    assert.are.equal('{"a": "b"}', json.encode(shaped({ missing_id = true }).body))
    assert.are.equal("text/html", shaped({ content_type = "text/html" }).content_type)
  end)
end)
