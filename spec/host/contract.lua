--- The host contract as specs: contract "luv" describes that host, on the VM that runs the spec.
-- The cases run in a child process (contract_program.lua), because a host's loop and busted's are
-- two; what the child prints is looked at here.
local assert = require "luassert"
local busted = require "busted"
local cases = require "spec.host.contract_cases"
local loops = require "spec.support.host_loops"
local program = require "spec.support.program"

local describe, it, setup = busted.describe, busted.it, busted.setup

local LIMIT = 600 -- seconds after which a child has hung

local OUTSIDE = "does what it can outside its loop, or says what to do"

local function child(name, words)
  local command = { "timeout", tostring(LIMIT) }
  if name == "love" then
    command[#command + 1] = "love"
    command[#command + 1] = "spec/support/host_game"
  else
    command[#command + 1] = program.interpreter()
    command[#command + 1] = "spec/host/contract_program.lua"
    command[#command + 1] = name
  end
  for _, word in ipairs(words) do
    command[#command + 1] = word
  end
  return program.run(command, { folder = program.root })
end

local function text_of(result)
  return ("%s%s\nexit status %s"):format(result.out, result.err, tostring(result.status))
end

local function sentences(host)
  local list = {}
  if host.outside then list[1] = OUTSIDE end
  for _, case in ipairs(cases) do
    list[#list + 1] = case.sentence
  end
  for _, case in ipairs(host.cases or {}) do
    list[#list + 1] = case[1]
  end
  return list
end

return function(name)
  describe("the host " .. name, function()
    local result, lines = nil, {}

    setup(function()
      result = child(name, {})
      for line in result.out:gmatch("[^\n]+") do
        lines[line] = true
      end
    end)

    for _, sentence in ipairs(sentences(loops[name])) do
      it(sentence, function() assert.is_true(lines["ok " .. sentence], text_of(result)) end)
    end

    it("ends in order when its work is done", function()
      assert.equal(0, result.status, text_of(result))
    end)

    it("ends at once when it is stopped with calls under way", function()
      local stopped = child(name, { "stop" })
      assert.equal(0, stopped.status, text_of(stopped))
      assert.equal("stopped\n", stopped.out)
      assert.equal("", stopped.err)
    end)
  end)
end
