local console = require("pix.sandbox.console")
local client = require("spec.support.sandbox_client")
local program = require("spec.support.program")
local sandbox = require("pix.sandbox")

describe("the sandbox's console", function()
  local sb, first, second

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    local call = client.open(sb, "ssg")
    first, second = client.charge(sb, "ssg", call), client.charge(sb, "ssg", call)
  end)

  it("shows where it listens and what it accepts", function()
    local text = console.banner(sb)
    for _, part in ipairs({ sb.url.ssg, sb.https_url.payzu, sb.ca_file,
      "client_secret = sandbox-ssg-secret", "api_key = sandbox-payzu-key" }) do
      assert.truthy(text:find(part, 1, true), part)
    end
  end)

  it("pays the newest charge when none is named", function()
    assert.are.equal("paid " .. second, console.run(sb, "pay"))
    assert.are.equal("pending", sb.charge(first).status)
  end)

  it("pays the charge whose id begins as typed", function()
    assert.are.equal("paid " .. first, console.run(sb, "  pay " .. first:sub(1, 13) .. " "))
  end)

  it("says what cannot be", function()
    console.run(sb, "pay")
    assert.are.equal("a charge that is paid cannot become expired", console.run(sb, "expire"))
    assert.are.equal("no such charge", console.run(sb, "pay zzz"))
  end)

  it("lists and forgets", function()
    local lines = select(2, console.run(sb, "list"):gsub("[^\n]+", ""))
    assert.are.equal(2, lines)
    assert.are.equal("forgotten", console.run(sb, "reset"))
    assert.are.equal("no charges yet", console.run(sb, "list"))
  end)

  it("explains itself", function()
    assert.truthy(console.run(sb, "help"):find("quit", 1, true))
  end)

  it("serves from the command line until told to quit, with a log", function()
    local code = 'require("pix.sandbox").run({ colour = false })'
    local command = ("printf 'list\\nquit\\nlist\\n' | %s -e '%s' 2>&1"):format(
      program.interpreter(), code)
    local pipe = assert(io.popen(command))
    local text = pipe:read("*a")
    pipe:close()
    assert.truthy(text:find("^A sandbox: "))
    assert.are.equal(1, select(2, text:gsub("no charges yet", "")))
    assert.truthy(text:find("no charges yet\n$"))
  end)
end)
