--- A shell that waited until `pix sandbox > file &` had written something found half of it, now
-- and then: each variable was written by itself.
local program = require("spec.support.program")

-- Shows where a write ends.
local COUNTING = [[
local out, real = {}, io.stdout
function out:write(...) real:write(...) return self end
function out:flush() real:write("<written>\n") end
io.stdout = out
arg = { "sandbox", "--quiet" }
os.exit(require("pix.cli").main(arg), true)
]]

describe("the lines that lead to a sandbox", function()
  it("arrive in one write", function()
    local result = program.run({ program.interpreter(), "-e", COUNTING },
      { env = { LANG = "C" }, input = "quit\n" })
    assert.equal(0, result.status, result.err)
    local first = result.out:match("^(.-)<written>\n")
    for _, provider in ipairs { "DETSEGPAY", "PAYZU", "SSG" } do
      assert.truthy(first:find("export " .. provider .. "_BASE_URL=", 1, true), provider)
    end
    assert.equal("", (result.out:gsub("^.-<written>\n", "")))
  end)
end)
