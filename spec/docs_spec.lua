--- The examples on the modules' pages, all of them: those that ask a provider run over pix.testing,
-- some over HTTP. A page whose examples are run by another spec says by which.
local nginx = require "spec.support.nginx"
local pix = require "pix"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local shops = require "spec.support.shop"
local story = require "spec.support.story"

local function page(name)
  return "docs/" .. name .. ".md"
end

-- The fences of a page in one language.
local function blocks(name, language)
  local list = {}
  for _, block in ipairs(story.blocks(program.read(page(name)))) do
    if block.language == language then list[#list + 1] = block.text end
  end
  return list
end

-- What each Lua example of a page must print, in their order.
local EXPECTED = {
  pix = { "timeout" },
  charge = { "unsupported" },
  webhook = { "auth" },
  money = { "123456" },
  brcode = { "ANA SOUZA RECIFE R%$ 19,90 false" },
  qr = { "█" },
  checkout = { "charge.created order%-17" },
  select = { "payzu its fee is the lowest, 15 centavos" },
  retry = { "ssg" },
  breaker = { "ssg" },
  events = { "charge.created order%-17 nil" },
  metrics = { 'pix_orders_total{provider="ssg",operation="charge",outcome="made"} %d' },
  providers = { "true false" },
  journal = { "pending", "^%x+ intent true$" },
}

-- Pages whose examples are run by a spec that says so.
local ELSEWHERE = {
  flow = "spec/flow/checkout_spec.lua", hosts = "spec/support/host_loops.lua",
  testing = "spec/testing_spec.lua",
  scheduler = "spec/docs_spec.lua", sandbox = "spec/docs_spec.lua",
  openresty = "spec/docs_spec.lua", cli = "spec/docs_spec.lua",
}

local function page_names()
  local pipe = assert(io.popen "ls docs/*.md")
  local names = {}
  for path in pipe:lines() do
    local name = path:match "^docs/([%l_]+)%.md$"
    if name then names[#names + 1] = name end
  end
  pipe:close()
  return names
end

local function compile(text, name, env)
  if setfenv then return setfenv(assert(loadstring(text, "=" .. name)), env) end
  return assert(load(text, "=" .. name, "t", env))
end

describe("the pages of docs/", function()
  local t, printed, folder

  before_each(function()
    t, printed, folder = pix.testing.start(), {}, program.folder()
  end)

  after_each(function()
    t:stop()
    program.remove(folder)
  end)

  local environment = setmetatable({
    print = function(...)
      local parts = {}
      for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
      printed[#printed + 1] = table.concat(parts, " ")
    end,
    os = setmetatable({ getenv = function(name) return name end }, { __index = os }),
  }, { __index = _G })

  for name, expected in pairs(EXPECTED) do
    it("run as they stand there: " .. name, function()
      local examples = blocks(name, "lua")
      assert.equal(#expected, #examples)
      for i, text in ipairs(examples) do
        printed = {}
        text = text:gsub('"pix%.db"', function() return ("%q"):format(folder .. i .. ".db") end)
        compile(text, page(name), environment)()
        assert.matches(expected[i], table.concat(printed, "\n"))
      end
    end)
  end

  it("are all run by some spec", function()
    for _, name in ipairs(page_names()) do
      if not EXPECTED[name] and #story.blocks(program.read(page(name))) > 0 then
        local spec = assert(ELSEWHERE[name], page(name) .. " has examples that nothing runs")
        assert.truthy(program.read(spec):find(page(name), 1, true), spec)
      end
    end
  end)
end)

describe("docs/scheduler.md", function()
  it("runs as it stands there, in real time", function()
    local printed = ""
    for _, text in pairs(story.run "docs/scheduler.md") do printed = printed .. text end
    assert.matches("one%s+two%s+nil", printed)
    assert.matches("a hundredth of a second", printed)
  end)
end)

describe("docs/sandbox.md", function()
  it("runs as it stands there", function() story.run "docs/sandbox.md" end)
end)

describe("docs/cli.md", function()
  it("has commands that the shell can read, of `pix` commands that there are", function()
    local commands = blocks("cli", "sh")
    assert.truthy(#commands >= 3)
    for _, text in ipairs(commands) do
      local result = program.run({ "sh", "-n" }, { input = text })
      assert.equal("", result.err)
      for command in text:gmatch "pix (%l+)" do
        assert.truthy(io.open("lua/pix/cli/" .. command .. ".lua"), command)
      end
    end
  end)
end)

describe("docs/SCALING.md", function()
  it("prunes what is over, and nothing else", function()
    local server = postgres.start()
    local s = shops.new()
    finally(function()
      s:stop()
      server:close()
    end)
    local url, schema = server:fresh()
    local shop = s:open { "payzu", journal = url }
    pix.run(function()
      for i = 1, 4 do
        local charge = assert(shop:charge(shops.order("order-" .. i)))
        if i <= 3 then s.t:pay(charge) end
      end
      shop:watch { ["for"] = 120 }
    end)
    local path = "SET search_path = " .. schema .. "; "
    server:sql(path .. "UPDATE pix_operation SET updated = 0 WHERE reference <> 'order-1'; "
      .. "UPDATE pix_order SET created = 0")
    server:sql(path .. blocks("SCALING", "sql")[1])
    assert.equal("2", server:sql(path .. "SELECT count(*) FROM pix_operation"))
    assert.equal("order-1,order-4", server:sql(path
      .. "SELECT string_agg(reference, ',' ORDER BY reference) FROM pix_order"))
  end)
end)

describe("docs/openresty.md", function()
  local sandbox, server

  setup(function() sandbox = pix.sandbox.start() end)

  teardown(function() sandbox.stop() end)

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  it("sells with its first example", function()
    local before, content = blocks("openresty", "lua")[1]
      :match "^(.*)\n%-%- content_by_lua_block\n(.*)$"
    local key = sandbox.credentials.ssg
    before = before:gsub('{ client_id.-}', function()
      return ("{ client_id = %q, client_secret = %q, device_code = %q, base_url = %q }"):format(
        key.client_id, key.client_secret, key.device_code, sandbox.url.ssg)
    end)
    server = nginx.start { http = "init_by_lua_block {\n" .. before .. "}",
      server = "location = /buy { content_by_lua_block {\n" .. content .. "} }" }
    local reply = server:request "/buy"
    assert.equal(200, reply.status, reply.body .. server:errors())
    assert.matches("^%S+\n$", reply.body)
  end)

  -- Debian's own list of modules is relative to the prefix, so an example cannot include it.
  it("starts the example's shop as far as its modules", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    os.execute(("cp examples/openresty/* %s"):format(folder))
    local command = blocks("openresty", "sh")[1]:gsub("nginx %-p %S+",
      "PATH=$PATH:/usr/sbin nginx -e stderr -t -p " .. folder)
    local result = program.run({ "sh", "-c", command }, { folder = program.root })
    assert.truthy(result.err:find "nginx.conf", result.err)
    assert.falsy(result.err:find("dlopen", 1, true), result.err)
  end)

  -- Each as nginx.conf would have it; where it listens is all that is added.
  it("has configuration that nginx takes", function()
    local texts = blocks("openresty", "nginx")
    assert.equal(3, #texts)
    for i, text in ipairs(texts) do
      local http = text:gsub("server {", "server { listen 127.0.0.1:" .. nginx.free_port() .. ";")
      local double = text:find "lua_package" -- the template has its own
      server = nginx.start { main = "env PAYZU_WEBHOOK_SECRET=secret;", http = not double and http,
        server = "location = /n { return 200 '" .. i .. "'; }" }
      assert.equal(tostring(i), server:request("/n").body, server:errors())
      server:stop()
    end
    server = nil
  end)
end)
