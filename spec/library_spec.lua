--- library/ is what editors know of luapix: lua-language-server would accept it, and it has the
-- names that there are at run time, no more and no fewer.
local core = require "pix.core"
local hosts = require "pix.host"
local luacats = require "spec.support.luacats"
local pix = require "pix"
local program = require "spec.support.program"

local unit, wrong = luacats.read { "library/pix.lua", "library/flow.lua" }

-- Names that a program has no business with.
local INTERNAL = {
  ["pix.future"] = { fulfil = true }, -- promises are the core's own
  ["pix.task"] = { wake = true, ready = true, future = true, what = true }, -- for hosts
  ["pix.flow.run"] = {},
}

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- The public functions (or all members) of a table at run time.
local function members(value, class, only_functions)
  local set, internal = {}, INTERNAL[class] or {}
  for name, member in pairs(value) do
    local public = type(name) == "string" and not name:find "^_" and not internal[name]
    if public and (not only_functions or type(member) == "function") then set[name] = true end
  end
  return set
end

local function assert_same_names(class, value, only_functions)
  local annotated = unit.tables[class] or unit.classes[class].methods
  assert.same(sorted(members(value, class, only_functions)), sorted(annotated), class)
end

local function inherited(class, set)
  set = set or {}
  for name in pairs(unit.classes[class].fields) do set[name] = true end
  for _, parent in ipairs(unit.classes[class].parents) do inherited(parent, set) end
  return set
end

-- Where a class is described: each of its fields and methods must be named there.
local PAGES = {
  ["pix.options"] = "providers", ["pix.ssg_options"] = "providers",
  ["pix.detseg_options"] = "providers", ["pix.payzu_options"] = "providers",
  ["pix.error"] = "pix", ["pix.payer"] = "pix", ["pix.charge_args"] = "pix",
  ["pix.charge_data"] = "charge", ["pix.charge"] = "charge", ["pix.wait_options"] = "charge",
  ["pix.heard"] = "pix", ["pix.task"] = "scheduler", ["pix.provider"] = "pix",
  ["pix.qr_options"] = "qr", ["pix.brcode"] = "brcode", ["pix.event"] = "webhook",
  ["pix.handler_options"] = "openresty", ["pix.fee"] = "select", ["pix.rule"] = "select",
  ["pix.budget"] = "breaker", ["pix.checkout_event"] = "events",
  ["pix.checkout_options"] = "checkout", ["pix.order"] = "checkout", ["pix.plan"] = "select",
  ["pix.shop"] = "checkout", ["pix.host"] = "hosts", ["pix.reply"] = "testing",
  ["pix.request"] = "testing", ["pix.test"] = "testing", ["pix.sandbox_options"] = "sandbox",
  ["pix.sandbox_charge"] = "sandbox", ["pix.running_sandbox"] = "sandbox",
  ["pix.flow.options"] = "flow", ["pix.flow.run"] = "flow", ["pix.flow.test"] = "flow",
}

describe("the annotations", function()
  it("are of things that the module's page describes", function()
    local missing = {}
    for class, page in pairs(PAGES) do
      local text = program.read("docs/" .. page .. ".md")
      for _, set in ipairs { unit.classes[class].fields, unit.classes[class].methods } do
        for name in pairs(set) do
          if not text:find("%f[%w_]" .. name .. "%f[^%w_]") then
            missing[#missing + 1] = page .. ".md: " .. class .. "." .. name
          end
        end
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("are what lua-language-server accepts, and name their functions' arguments", function()
    assert.same({}, wrong)
  end)

  it("would not be accepted with a mistake in them", function()
    local name = os.tmpname()
    local function findings(text)
      local file = assert(io.open(name, "w"))
      file:write(text, "\n")
      file:close()
      return (select(2, luacats.read { name })[1] or ""):match "%d: (.*)$"
    end
    finally(function() os.remove(name) end)
    local class = "---@class a\nlocal a = {}\n"
    assert.is_nil(findings(class .. "---@param x? string|{ y?: a }[]\nfunction a.f(x) end"))
    local last = "\nfunction a.f(x) end"
    assert.equal("there is no type strin", findings(class .. "---@param x strin" .. last))
    assert.equal("f(x) is annotated with (y)", findings(class .. "---@param y a" .. last))
    assert.equal("there is no tag @parm", findings "---@parm x string")
    assert.matches("} was expected", findings "---@alias b { x: string")
    assert.matches("a type was expected", findings "---@alias b string|")
  end)

  it("have every name of pix, and only those", function()
    local names = members(pix, "pix")
    for _, name in ipairs { "webhook", "testing", "sandbox", "checkout", "flow" } do
      names[name] = true -- loaded when it is asked for
    end
    for _, name in ipairs(pix.providers()) do names[name] = true end
    names.version = nil -- a field
    assert.same(sorted(names), sorted(unit.classes.pix.methods))
    assert.truthy(unit.classes.pix.fields.version)
    for _, name in ipairs { "webhook", "testing", "sandbox", "brcode" } do
      assert_same_names("pix." .. name, pix[name])
    end
    assert_same_names("pix.flow", pix.flow)
  end)

  describe("of objects", function()
    local t, ssg

    before_each(function()
      t = pix.testing.start()
      ssg = assert(pix.ssg { client_id = "id", client_secret = "secret", device_code = "device" })
    end)

    after_each(function() t:stop() end)

    it("have their methods", function()
      local charge = assert(ssg:charge { amount = 100 })
      local shop = assert(pix.checkout { ssg, journal = false })
      local future = ssg:start "check"
      assert_same_names("pix.provider", core.provider_methods)
      assert_same_names("pix.charge", getmetatable(charge).__index, true)
      assert_same_names("pix.shop", getmetatable(shop).__index, true)
      assert_same_names("pix.task", hosts.scheduler.Task, true)
      assert_same_names("pix.test", getmetatable(t).__index, true)
      for name in pairs(unit.classes["pix.future"].methods) do
        assert.equal("function", type(future[name]), name)
      end
      shop:close()
    end)

    it("have their fields", function()
      local charge = assert(ssg:charge { amount = 100 })
      local known = inherited "pix.charge"
      for name in pairs(charge) do assert.truthy(known[name], "pix.charge." .. name) end
      local _, err = ssg:charge { amount = 0 }
      known = inherited "pix.error"
      for name in pairs(err) do assert.truthy(known[name], "pix.error." .. name) end
      ssg:charge { amount = 100 }
      known = inherited "pix.request"
      for _, request in ipairs(t:requests()) do
        for name in pairs(request) do assert.truthy(known[name], "pix.request." .. name) end
      end
    end)

    -- An option that is not known is refused by its name, whatever its value is.
    it("have options that there are", function()
      for _, name in ipairs(pix.providers()) do
        for option in pairs(inherited("pix." .. name .. "_options")) do
          local _, err = pix[name] { [option] = {} }
          assert.falsy(tostring(err):find("there is no option", 1, true), tostring(err))
        end
      end
      local _, err = pix.ssg { nonsense = {} }
      assert.matches("nonsense", tostring(err))
      for option in pairs(unit.classes["pix.checkout_options"].fields) do
        local _, said = pcall(pix.checkout, { ssg, journal = false, [option] = pix })
        assert.falsy(tostring(said):find("there is no option " .. option, 1, true), tostring(said))
      end
    end)

    it("have every option of a checkout", function()
      local fields = unit.classes["pix.checkout_options"].fields
      local list = program.read("lua/pix/checkout/options.lua"):match "KNOWN = (%b{})"
      for name in list:gmatch "([%w_]+) =" do assert.truthy(fields[name], name) end
    end)
  end)

  it("have what a running sandbox has", function()
    local sandbox = pix.sandbox.start()
    finally(function() sandbox.stop() end)
    assert_same_names("pix.running_sandbox", sandbox, true)
    local known = unit.classes["pix.running_sandbox"].fields
    for name, value in pairs(sandbox) do
      assert.truthy(type(value) == "function" or known[name], name)
    end
  end)

  it("have the methods of flows, and the words of a flow file", function()
    local flow = assert(pix.flow.load "examples/flows/coffee.flow.lua")
    assert_same_names("pix.flow.flow", getmetatable(flow).__index, true)
    local test = pix.testing.flow "examples/flows/coffee.flow.lua"
    finally(function() test:stop() end)
    assert_same_names("pix.flow.test", getmetatable(test).__index, true)
    local words = { flow = true }
    for _, verb in ipairs(require("pix.flow.verbs").names) do words[verb] = true end
    assert.same(sorted(words), sorted(unit.words))
  end)
end)
