-- The examples that go on running, or are more than one file.
local program = require "spec.support.program"

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- Starts a server, for one test; its first line is its pid, the second its address.
local function start(name)
  local words = { "sh", "-c", 'echo $$; exec "$@"', "sh", "timeout", "600", program.interpreter(),
    program.root .. "/examples/" .. name .. ".lua" }
  local pipe = assert(io.popen("exec 2>/dev/null; "
    .. program.command(words, { env = { PIX_SANDBOX = "1" } }) .. " </dev/null"))
  local pid = assert(pipe:read "*l")
  finally(function()
    os.execute("kill " .. pid)
    pipe:close()
  end)
  local url = tostring(pipe:read "*l"):match "^listening (http://%S+)$"
  return { url = assert(url, name .. " did not start") }
end

local function get(url)
  return output("curl -s --max-time 300 " .. program.quote(url))
end

describe("the example", function()
  for _, name in ipairs { "copas_server", "luv_server", "cqueues_server" } do
    it(name .. " serves others while somebody waits for a payment", function()
      local server = start(name)
      assert.equal("hello", get(server.url .. "/hello"))
      local id, code = get(server.url .. "/buy"):match "^(%S+)\n(%S+)$"
      assert.truthy(code)
      local waiting = assert(io.popen("curl -s --max-time 300 " .. server.url .. "/wait/" .. id))
      for _ = 1, 3 do
        assert.equal("hello", get(server.url .. "/hello"))
      end
      assert.equal("paid", waiting:read "*a")
      waiting:close()
      assert.equal("there is no such charge", get(server.url .. "/wait/0"))
    end)
  end

  it("embed.c polls pix.fd() beside its own work", function()
    local luajit = rawget(_G, "jit") ~= nil
    local folder = program.folder()
    local flags = "$(pkg-config --cflags --libs " .. (luajit and "luajit" or "lua5.4") .. ")"
    local built = program.run({ "sh", "-c",
      'cc -Wall -Wextra -Werror -o "$1" examples/embed/embed.c ' .. flags, "sh",
      folder .. "/embed" }, { folder = program.root })
    assert.equal("", built.err)
    local ran = program.run({ "timeout", "600", ".ci/under", folder .. "/embed",
      "examples/embed/shop.lua" }, { folder = program.root })
    program.remove(folder)
    assert.equal("made R$ 19,90\npaid\nthe program had plenty of time for other things\n", ran.out,
      ran.err)
    assert.equal(0, ran.status)
  end)

  it("spec/ is a project whose specs pass", function()
    local ran = program.run({ program.interpreter(), program.root .. "/.ci/busted.lua", "-o",
      "TAP", "--pattern=_spec", "." }, { folder = program.root .. "/examples/spec",
      env = { LUA_PATH = "./?.lua;" .. package.path } })
    assert.equal(0, ran.status, ran.out .. ran.err)
    assert.truthy(ran.out:find "1%.%.6\n", ran.out)
  end)
end)
