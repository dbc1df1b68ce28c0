local cjson = require("cjson")
local exit = require("pix.cli.exit")
local program = require("spec.support.program")

describe("pix explain", function()
  local folder
  local env = {
    LANG = "C.UTF-8", DETSEGPAY_CLIENT_ID = "id", DETSEGPAY_CLIENT_TOKEN = "token",
    SSG_CLIENT_ID = "id", SSG_CLIENT_SECRET = "hidden-9931", SSG_DEVICE_CODE = "device",
  }

  setup(function() folder = program.folder() end)
  teardown(function() program.remove(folder) end)

  local function pix(...)
    return program.run({ program.interpreter(), program.root .. "/spec/support/pix_cli.lua",
      "explain", ... }, { env = env, folder = folder })
  end

  it("tells who would be asked first, and why, without a request", function()
    local result = pix("19.90", "--select", "cheapest", "--fee", "ssg=0.5+3", "--fee", "detseg=1")
    assert.equal(0, result.status, result.err)
    assert.matches("^1  ssg     its fee is the lowest, 13 centavos\n2  detseg", result.out)
  end)

  it("takes the providers in the order that is given, and writes JSON", function()
    local plan = cjson.decode(pix("19.90", "--providers", "ssg,detseg", "--json").out)
    assert.same({ "ssg", { "ssg", "detseg" }, "failover" },
      { plan.chosen, plan.order, plan.strategy })
  end)

  it("refuses what is no amount, no fee and no provider", function()
    assert.equal(exit.INVALID, pix("0").status)
    assert.equal(exit.USAGE, pix("1", "--fee", "ssg").status)
    assert.equal(exit.USAGE, pix("1", "--providers", "nobody").status)
    assert.equal(exit.USAGE, pix("1", "--providers", "ssg,ssg").status)
  end)
end)
