-- Found by fuzz/flow.c: what a finding quotes of a flow's text came out with its control
-- characters, into terminals and logs.
local load = require "pix.flow.load".load

local FLOW = [[
return flow "a shop" {
  input = { total = "money" },
  start = "pay",
  pay = charge { amount = "{to\27[31m\0tal}", paid = "thanks", expired = "sorry",
    cancelled = "sorry", failed = "sorry", unknown = "help" },
  help = alert { message = "\7{no", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
]]

describe("a finding", function()
  it("quotes a flow without its control characters", function()
    local _, err = load(FLOW)
    assert.equal(2, #err.findings)
    for _, finding in ipairs(err.findings) do
      assert.is_nil(finding.message:find "%c")
    end
    assert.truthy(err.findings[1].message:find("{to?[31m?tal} is not a name", 1, true))
    assert.is_nil(err.message:find "%c")
  end)
end)
