--- What the README promises: its ten lines take a payment, and the Portuguese ones are the same.
local program = require "spec.support.program"

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function snippet(name)
  return assert(read(name):match("```lua\n(.-)```"), name .. " has no example")
end

local function without_comments(code)
  return (code:gsub("%s*%-%-[^\n]*", ""))
end

describe("the README", function()
  it("takes a payment in its first example", function()
    local result = program.run({ program.interpreter(), "-" },
      { input = snippet "README.md", folder = program.root })
    assert.equal(0, result.status, result.err)
    assert.truthy(result.out:find("▀", 1, true), "no QR code was shown")
    assert.equal("paid", result.out:match("(%w+)\n$"))
  end)

  it("says the same in Portuguese", function()
    assert.equal(without_comments(snippet "README.md"), without_comments(snippet "README.pt-BR.md"))
  end)

  it("names only files that exist", function()
    for _, name in ipairs { "README.md", "README.pt-BR.md", "CONTRIBUTING.md" } do
      for target in read(name):gmatch("%]%(([%w_%./%-]+)%)") do
        local found = io.open(target) -- a folder opens too
        assert.truthy(found, name .. " links to " .. target)
        found:close()
      end
    end
  end)
end)
