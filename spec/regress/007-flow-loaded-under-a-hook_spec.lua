-- Found when fuzz/flow.c counted lines by a hook: a flow could not be loaded while a program
-- written in C, such as a debugger or a profiler, had set a hook of its own.
local load = require "pix.flow.load".load
local states = require "states"

local FLOW = [[
return flow "a shop" {
  start = "thanks",
  thanks = done { show = ("x"):rep(3) },
}
]]

describe("a flow that is loaded under a hook of C", function()
  after_each(function() states.unhook() end)

  it("is loaded", function()
    states.hook()
    local ok, loaded = pcall(load, FLOW)
    local kept = states.unhook()
    assert.is_true(ok, loaded)
    assert.truthy(loaded)
    assert.equal(rawget(_G, "jit") == nil, kept)
  end)

  it("is still kept from running for ever", function()
    states.hook()
    local _, _, err = pcall(load, "while true do end\n")
    states.unhook()
    assert.truthy(err.message:find("runs for too long", 1, true))
  end)

  it("leaves a hook of Lua where it was", function()
    local function hook() end
    debug.sethook(hook, "", 100000)
    local loaded = load(FLOW)
    local now = debug.gethook()
    debug.sethook()
    assert.truthy(loaded)
    assert.equal(hook, now)
  end)
end)
