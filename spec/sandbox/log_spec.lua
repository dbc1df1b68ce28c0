local log = require("pix.sandbox.log")

local function environment(values)
  return function(name) return values[name] end
end

describe("the sandbox's log", function()
  local entry

  before_each(function()
    entry = { time = "12:00:00", milliseconds = 1.23, reply = { status = 201 },
      request = { provider = "ssg", operation = "charge", method = "POST" },
      path = "/api/qrcode/new",
      charge = { id = "abc", amount = 1990, status = "pending" } }
  end)

  it("says on one line what was asked and answered", function()
    assert.are.equal("12:00:00  ssg    charge     POST   /api/qrcode/new  → 201  "
      .. "R$ 19,90  pending  abc  1.2 ms", log.line(entry, log.painter(false)))
  end)

  it("names the fault", function()
    entry.fault = { kind = "hang" }
    assert.truthy(log.line(entry, log.painter(false)):find("fault: hang", 1, true))
  end)

  it("paints only when asked to", function()
    assert.truthy(log.line(entry, log.painter(true)):find("\27[32m", 1, true))
    assert.is_nil(log.line(entry, log.painter(false)):find("\27", 1, true))
  end)

  it("lets no control character of a client through", function()
    entry.path = "/a\27[31m\r\nb"
    local line = log.line(entry, log.painter(false))
    assert.is_nil(line:find("%c"))
  end)

  it("honours NO_COLOR, and a log that goes to no terminal", function()
    local function yes() return true end
    local function no() return false end
    assert.is_true(log.wants_colour(nil, yes, environment({ NO_COLOR = "" })))
    assert.is_false(log.wants_colour(nil, yes, environment({ NO_COLOR = "1" })))
    assert.is_false(log.wants_colour(nil, yes, environment({ TERM = "dumb" })))
    assert.is_false(log.wants_colour(nil, no, environment({})))
    assert.is_true(log.wants_colour(true, no, environment({ NO_COLOR = "1" })))
  end)
end)
