local load = require "pix.flow.load"
local template = require "pix.flow.template"
local words = require "pix.flow.words"

local GOOD = [[return flow "t" {
  input = { total = "money", order = "text?" },
  start = "a",
  a = charge { amount = "{total}",
    paid = "d", expired = "bad", cancelled = "bad", failed = "bad", unknown = "h" },
  d = perform "x" { delivers = true, ok = "ok", failed = "h" },
  h = alert { message = "m", next = "bad" },
  ok = done {},
  bad = fail {},
}
]]

local function changed(from, to)
  local at, last = GOOD:find(from, 1, true)
  assert(at, from)
  return GOOD:sub(1, at - 1) .. to .. GOOD:sub(last + 1)
end

-- The messages of what is wrong with a text.
local function wrong(text)
  local flow, err = load.load(text)
  assert.is_nil(flow)
  local list = {}
  for i, finding in ipairs(err.findings) do
    list[i] = ("%s:%d: %s"):format(finding.file, finding.line, finding.message)
  end
  return table.concat(list, "\n"), err
end

describe("pix.flow.load", function()
  it("takes a flow, and gives it a version by its text", function()
    local one = assert(load.load(GOOD))
    assert.equal(one.version, assert(load.load(GOOD)).version)
    assert.not_equal(one.version, assert(load.load(GOOD .. "\n")).version)
  end)

  it("gives an error of kind invalid", function()
    local _, err = wrong(changed('start = "a"', 'start = "b"'))
    assert.equal("invalid", err.kind)
    assert.equal("no", err.sent)
  end)

  local shapes = {
    { "an unknown verb", "= charge {", "= chrage {", 'flow:4: there is no verb "chrage" (did you '
      .. 'mean "charge"?)' },
    { "an unknown key, on its own line", 'paid = "d"', 'pais = "d"', 'flow:5: charge knows no key '
      .. '"pais" (did you mean "paid"?)' },
    { "a missing outcome", ', unknown = "h"', "", 'flow:4: charge has no outcome "unknown"' },
    { "an outcome that leads nowhere", 'ok = "ok"', 'ok = "okk"', 'flow:6: ok leads to "okk", '
      .. 'and there is no such state (did you mean "ok"?)' },
    { "a missing key", 'amount = "{total}",', "", "flow:4: charge needs amount" },
    { "a wrong type", "delivers = true", "delivers = 1", "flow:6: delivers is true or false" },
    { "a wrong start", 'start = "a"', 'start = "z"', 'flow:3: start names "z"' },
    { "no start", 'start = "a",', "", "does not say where it begins" },
    { "an unknown name in a template", '"{total}"', '"{totl}"', 'flow:4: {totl}: nothing has this '
      .. 'name (did you mean "total"?)' },
    { "a lone brace", '"{total}"', '"{total"', "a lone {" },
    { "a wrong duration", "charge {", 'charge { expires = "5 min",', 'is written "90s"' },
    { "an amount that is none", '"{total}"', '"ten"', "flow:4: amount" },
    { "an input of no type", '"text?"', '"string"', 'there is no type "string"' },
    { "a stray key", "ok = done", "max = 3, ok = done", "max is no state" },
    { "a value without a key", "ok = done", "done {}, ok = done", "a state has a name" },
    { "a field that no charge has", '"m"', '"{a.name}"', "a charge has amount, code, id" },
    { "a charge in a text", '"m"', '"{a}"', "say {a.id}" },
    { "a syntax error", "ok = done {},", "ok = done {", "'}' expected" },
    { "an of that is no charge", "alert {", 'alert { of = "d",', "d is a perform" },
    { "a table behind no verb", "done {}", "done 'x'", "done is followed by a table" },
    { "a perform without a name", 'perform "x" {', "perform {", "perform is followed by a name" },
  }
  for _, row in ipairs(shapes) do
    it("finds " .. row[1], function()
      local text = wrong(changed(row[2], row[3]))
      assert.truthy(text:find(row[4], 1, true), text)
    end)
  end

  it("finds several things at once", function()
    local text = changed('paid = "d"', 'pais = "d"'):gsub("alert", "allert")
    assert.matches("no verb", (wrong(text)))
    local _, err = wrong(changed('paid = "d", expired', 'pais = "d", exired'))
    assert.equal(4, #err.findings)
    assert.matches("and 3 more", err.message)
  end)

  it("says which file cannot be read", function()
    local _, err = load.load "nowhere.flow.lua"
    assert.matches("nowhere.flow.lua.*cannot be read", err.message)
  end)

  it("wants the file to return a flow", function()
    assert.matches("the file ends with", (wrong 'local x = flow "x" { start = "a" }\n'))
  end)

  describe("keeps the file's code", function()
    for _, word in ipairs { "io", "os", "debug", "require", "load", "getmetatable", "pcall", "_G",
      "coroutine", "collectgarbage", "print" } do
      it("away from " .. word, function()
        assert.matches("a flow has no " .. word, (wrong("local x = " .. word .. "\n" .. GOOD)))
      end)
    end

    it("from being bytecode", function()
      local code = string.dump(assert(loadstring and loadstring(GOOD) or _G.load(GOOD)))
      assert.matches("this is bytecode", (wrong("\27" .. code .. "\n")))
    end)

    it("from running for ever", function()
      assert.matches("runs for too long", (wrong("while true do end\n" .. GOOD)))
      local endless = "local function f() return f() end f()\n"
      assert.matches("runs for too long", (wrong(endless .. GOOD)))
    end)

    it("from taking all memory", function()
      local text = 'local s = "x" for i = 1, 60 do s = s .. s end\n'
      assert.matches("too much memory", (wrong(text .. GOOD)))
      assert.matches("too long for a flow", (wrong('local s = ("x"):rep(1e9)\n' .. GOOD)))
      assert.matches("nil value", (wrong('local s = ("x").dump(print)\n' .. GOOD))
        :gsub("a flow has no print", "nil value"))
    end)

    it("from changing strings for others", function()
      assert.is_table(load.load("string.upper = function() return 'mine' end\n" .. GOOD))
      assert.equal("A", ("a"):upper())
      assert.equal("A", string.upper "a")
      assert.is_function(("x").dump)
    end)

    it("from another program's hook", function()
      local function hook() end
      debug.sethook(hook, "", 100000)
      load.load(GOOD)
      local kept, _, count = debug.gethook()
      debug.sethook()
      assert.equal(hook, kept)
      assert.equal(100000, count)
    end)

    it("but lets it compute", function()
      assert.is_table(load.load("local function x() return ('%d'):format(math.floor(2)) end\n"
        .. changed('"{total}"', "function(data) return data.total * tonumber(x()) end")))
    end)
  end)

  describe("runs flows as parts of flows", function()
    local part = [[local part = flow "p" { start = "p", input = { n = "number" },
      p = wait { time = "1s", next = "e" }, e = done {} }
    ]]
    local whole = part .. [[return flow "w" { start = "a",
      a = flow { of = part, input = { n = 1 }, done = "e", failed = "e" }, e = done {} }]]

    it("as one graph", function()
      local graph = assert(load.load(whole)).graph
      assert.equal("enter", graph.by.a.verb)
      assert.equal("leave", graph.by["a/e"].verb)
    end)

    it("and finds what they are not given", function()
      assert.matches("needs input = { n", (wrong((whole:gsub("input = { n = 1 }, ", "")))))
      assert.matches('takes no input "m"', (wrong((whole:gsub("n = 1", "n = 1, m = 1")))))
    end)

    it("from a file beside it, and finds one that runs itself", function()
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write(('return flow "w" { start = "a",\n a = flow { of = %q, done = "e", '
        .. "failed = 'e' }, e = done {} }"):format(path:match "[^/]*$"))
      file:close()
      local text = wrong(path)
      os.remove(path)
      assert.matches("does one run itself", text)
    end)
  end)
end)

describe("pix.flow.words", function()
  it("reads durations", function()
    assert.equal(90, words.duration "90s")
    assert.equal(5400, words.duration "1h30m")
    assert.equal(2.5, words.duration(2.5))
    for _, bad in ipairs { "", "5", "m", "5x", 0, -1, "0s", 0 / 0, "31d" } do
      assert.is_nil((words.duration(bad)), tostring(bad))
    end
  end)

  it("guesses what was meant", function()
    assert.equal("charge", words.nearest("chrage", { "charge", "change_it" }))
    assert.is_nil(words.nearest("zebra", { "charge" }))
  end)
end)

describe("pix.flow.template", function()
  local function fill(text, data)
    local parts = assert(template.parse(text))
    return template.fill(parts, function(part) return data[part.name] end)
  end

  it("puts names in, and braces as {{ and }}", function()
    assert.equal("Pedido 17 {x}", fill("Pedido {order} {{x}}", { order = "17" }))
  end)

  it("does not look again at what was put in", function()
    assert.equal("a {secret} b", fill("a {name} b", { name = "{secret}", secret = "s" }))
    assert.equal("a x y", fill("a {name}", { name = "x\ny" }))
  end)

  it("gives the value itself where it is all there is", function()
    assert.equal(1990, fill("{total}", { total = 1990 }))
    assert.equal("", fill("{a}{b}", {}))
  end)

  it("refuses braces that mean nothing", function()
    for _, bad in ipairs { "{", "}", "{a", "{a b}", "{1}", "{}" } do
      assert.is_nil((template.parse(bad)), bad)
    end
  end)
end)
