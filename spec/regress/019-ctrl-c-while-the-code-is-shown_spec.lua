--- `pix charge --wait` saw to Ctrl-C while it asked for the charge and while it waited, but not in
-- between, while it shows the code: it ended with "interrupted", and the charge stayed payable.
local program = require "spec.support.program"
local sandbox = require "pix.sandbox"
local variables = require("pix.cli.sandbox").variables

describe("Ctrl-C while the code is shown", function()
  local sb, folder

  before_each(function() sb, folder = sandbox.start(), program.folder() end)
  after_each(function()
    sb.stop()
    program.remove(folder)
  end)

  -- The picture goes into a pipe that nobody reads before the key has come: there it stands.
  local function interrupted(...)
    local env = { LANG = "C.UTF-8" }
    for _, row in ipairs(variables(sb)) do env[row[1]] = row[2] end
    os.execute("mkfifo " .. folder .. "/picture")
    local terminal = program.terminal({ program.interpreter(),
      program.root .. "/spec/support/pix_cli.lua", "charge", "19.90", "-p", "ssg", "--qr", "png",
      folder .. "/picture", ... }, { env = env, folder = folder })
    terminal.expect "Pix copy and paste:"
    terminal.type "\3"
    terminal.expect "^C"
    os.execute(("timeout 60 cat %s/picture >/dev/null 2>&1 &"):format(folder))
    local result = terminal.finish()
    return result, sb.ledger().charges[1].status
  end

  it("cancels a charge that was to be waited for, and says so", function()
    local result, status = interrupted "--wait"
    assert.equal(130, result.status, result.out)
    assert.truthy(result.out:find("was cancelled at ssg", 1, true), result.out)
    assert.equal("cancelled", status)
  end)

  it("leaves any other one payable, and says so", function()
    local result, status = interrupted()
    assert.equal(130, result.status, result.out)
    assert.truthy(result.out:find("STAYS PAYABLE at ssg", 1, true), result.out)
    assert.equal("pending", status)
  end)
end)
