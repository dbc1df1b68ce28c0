local program = require("spec.support.program")

-- What each prints, in the sandbox; the codes and ids in it differ from run to run.
local EXPECTED = {
  first_charge = { "charge %S+ of R%$ 19,90\n", "copy and paste: %S+\n", "█", "\npaid\n$" },
  blocking = { "made %S+ R%$ 49,90\n", "pending%s+R%$ 49,90  %S+\n",
    "refund: unsupported, sent: no\n$" },
  concurrent = { "detseg  paid  ", "ssg     paid  ", "payzu   paid  ",
    "3 paid; the program had plenty of time for other things\n$" },
  subscription = { "^pix.card %(%[redacted%]%)\n", "subscription SUB%x+: pending\n",
    "trial ends   20%d%d%-" },
  webhook_verify = { "port of its own: true\n",
    "the receiver says: verified PIX%d+ paid R%$ 19,90\n",
    "event: paid R%$ 19,90, of our charge: true\n", "forged: nil, auth\n$" },
  demo = { "three charges at three providers", "█",
    "a signed webhook arrived over HTTP and is genuine",
    "\ndetseg +charge +R%$ 49,90  paid ", "\nssg +charge +R%$ 19,90  paid ",
    "\npayzu +charge +R%$ 7,50  paid ", "\nssg +refund +R%$ 19,90  refunded ",
    "\nssg +charge +R%$ 5,00  cancelled ", "\npayzu +plan +trial ",
    "\npayzu +webhook +R%$ 7,50  verified " },
}

describe("the example", function()
  local folder
  local running = {}

  -- They wait most of the time: all run at once.
  setup(function()
    folder = program.folder()
    for name in pairs(EXPECTED) do
      local command = program.command({ program.interpreter(),
        program.root .. "/examples/" .. name .. ".lua" }, { env = { PIX_SANDBOX = "1" } })
      local out = folder .. "/" .. name
      running[name] = assert(io.popen(("(%s) >%s 2>&1 </dev/null; echo $?"):format(command, out)))
    end
  end)

  teardown(function()
    for _, pipe in pairs(running) do
      pipe:read("*a")
      pipe:close()
    end
    program.remove(folder)
  end)

  for name, patterns in pairs(EXPECTED) do
    it(name .. ".lua runs in the sandbox", function()
      local status = running[name]:read("*a")
      local out = program.read(folder .. "/" .. name)
      assert.are.equal("0\n", status, out)
      for _, pattern in ipairs(patterns) do
        assert.truthy(out:find(pattern), pattern .. "\n" .. out)
      end
    end)
  end

  it("has a line here for every file", function()
    local helpers = { setup = true, webhook_receiver = true, shop = true, copas_server = true,
      luv_server = true, cqueues_server = true } -- spec/servers_spec.lua runs the servers
    local pipe = assert(io.popen("ls examples/*.lua"))
    for path in pipe:lines() do
      local name = path:match("([^/]+)%.lua$")
      assert.truthy(EXPECTED[name] or helpers[name], path)
    end
    pipe:close()
  end)
end)
