local pix = require "pix"

-- The first example of a page.
local function example(page)
  local file = assert(io.open("docs/" .. page .. ".md", "rb"))
  local text = file:read "*a"
  file:close()
  return assert(text:match "```lua\n(.-)```", page .. " has no example")
end

local function compile(text, name, env)
  if setfenv then return setfenv(assert(loadstring(text, "=" .. name)), env) end
  return assert(load(text, "=" .. name, "t", env))
end

describe("the example of docs/", function()
  local t, printed

  before_each(function()
    t = pix.testing.start()
    printed = {}
  end)

  after_each(function() t:stop() end)

  local environment = {
    print = function(...)
      local parts = {}
      for i = 1, select("#", ...) do
        parts[i] = tostring((select(i, ...)))
      end
      printed[#printed + 1] = table.concat(parts, " ")
    end,
    os = setmetatable({ getenv = function(name) return name end }, { __index = os }),
  }

  local expected = {
    pix = "timeout",
    scheduler = "one two nil",
    charge = "unsupported",
    webhook = "auth",
    money = "123456",
    brcode = "ANA SOUZA RECIFE R%$ 19,90 false",
    qr = "█",
    checkout = "charge.created order%-17",
    select = "payzu its fee is the lowest, 15 centavos",
    retry = "ssg",
    breaker = "ssg",
    events = "charge.created order%-17 nil",
    metrics = 'pix_orders_total{provider="ssg",operation="charge",outcome="made"} %d',
  }

  for page, text in pairs(expected) do
    it(page .. ".md runs", function()
      compile(example(page), page .. ".md", setmetatable(environment, { __index = _G }))()
      assert.matches(text, table.concat(printed, "\n"))
    end)
  end
end)
