--- In LÖVE luapix's own Lua is interpreted - but the host itself was left out, because it was still
-- being loaded when the modules were gone through: it was compiled in some frame.
local program = require "spec.support.program"

-- Called from what is interpreted, a function is what becomes hot, not the loop around it.
local GAME = [[
local pix = require "pix"
pix.use "love"
local active = require("pix.host.love").active
local compiled = {}

local function ask()
  for _ = 1, 2000 do active() end
end
jit.off(ask)

function love.load()
  local function note(what, _, f)
    local source = what == "start" and debug.getinfo(f, "S").source or ""
    if source:find("lua/pix", 1, true) then compiled[#compiled + 1] = source end
  end
  pix.spawn(function()
    jit.attach(note, "trace")
    ask()
    jit.attach(note)
    print(#compiled, compiled[1])
    love.event.quit()
  end)
end

function love.update() pix.update() end
]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- LÖVE brings LuaJIT along and knows no other Lua.
if not rawget(_G, "jit") then return end

describe("luapix in LÖVE", function()
  it("interprets the host, too", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    write(folder .. "/conf.lua", program.read "spec/support/host_game/conf.lua")
    write(folder .. "/main.lua", GAME)
    local result = program.run({ "timeout", "120", "love", folder }, { folder = program.root })
    assert.equal("0\tnil\n", result.out, result.err)
  end)
end)
