--- What can only happen with a server: it goes and comes back, a COMMIT is not answered, several
-- processes work on one database and are killed.
local journals = require "pix.journal"
local postgres = require "spec.support.postgres"

local NOW = 1700000000
local interpreter = jit and "luajit" or "lua5.4"

describe("a journal in PostgreSQL", function()
  local server, url, schema, journal

  setup(function() server = postgres.start() end)
  teardown(function() server:close() end)

  before_each(function()
    url, schema = server:fresh()
    journal = nil
  end)

  after_each(function()
    if journal then journal:close() end
  end)

  local function open(options)
    journal = assert(journals.open(url, options))
    assert(journal:start())
    return journal
  end

  local function begin(reference)
    return journal:intent { reference = reference, provider = "ssg", amount = 1990, params = "p",
      now = NOW }
  end

  local function count(what)
    return tonumber(server:sql(("SELECT count(*) FROM %s.%s"):format(schema, what)))
  end

  -- A child process of worker.lua; its output, line by line.
  local function worker(...)
    local words = { ... }
    for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
    return assert(io.popen(("echo $$; exec %s spec/journal/worker.lua %s 2>&1"):format(
      interpreter, table.concat(words, " "))))
  end

  it("goes on with a server that was started again", function()
    open()
    assert(begin("order-1"))
    server:tell("stop")
    server:tell("start")
    assert(begin("order-2"))
    server:tell("crash")
    server:tell("start")
    assert(begin("order-3"))
    assert.equal(3, count("pix_operation"))
  end)

  it("says that the server is gone, and goes on when it is back", function()
    open { patience = 0.1 }
    server:tell("stop")
    local row, err = begin("order-1")
    assert.is_nil(row)
    assert.same({ "journal", "lost", "no" }, { err.kind, err.code, err.sent })
    server:tell("start")
    assert(begin("order-1"))
  end)

  it("never puts the password into an error", function()
    for _, where in ipairs { "postgres://pix:hush-hush@/x?host=/nowhere",
      "postgres://pix:hush-hush%zz@/x" } do
      local other = assert(journals.open(where, { patience = 0 }))
      local _, err = other:start()
      assert.equal("journal", err.kind)
      assert.is_nil((tostring(err) .. tostring(other._core)):find("hush", 1, true))
      other:close()
    end
  end)

  it("insists on commits that are on the disk", function()
    server:sql("ALTER ROLE pix SET synchronous_commit = off")
    open()
    local rows = journal:_submit { { sql = "SHOW synchronous_commit", n = 0 } }
    server:sql("ALTER ROLE pix RESET synchronous_commit")
    assert.equal("on", rows[1][1].synchronous_commit)
  end)

  it("leaves no row of its own behind", function()
    open()
    assert.equal(1, count("pix_writer"))
    journal:close()
    journal = nil
    assert.equal(0, count("pix_writer"))
  end)

  for _, when in ipairs { "before", "after" } do
    it("finds out what became of a COMMIT that was cut off " .. when .. " it arrived", function()
      open()
      journal:close()
      local folder = server.dir .. "/" .. when
      os.execute("mkdir " .. folder)
      local proxy = assert(io.popen(("echo $$; exec %s spec/journal/proxy.lua %s/.s.PGSQL.5432 "
        .. "%s/.s.PGSQL.5432 %s"):format(interpreter, folder, server.dir, when)))
      local pid = proxy:read("*l")
      finally(function()
        os.execute("kill " .. pid)
        proxy:close()
      end)
      assert.equal("ready", proxy:read("*l"))
      url = url:gsub("host=[^&]*", "host=" .. folder)
      journal = assert(journals.open(url))
      journal._started = true
      local row, fresh = begin("order-1")
      assert.is_true(fresh)
      assert.equal("intent", row.state)
      assert.equal(1, count("pix_operation"))
      assert.equal("1", server:sql(("SELECT checks FROM %s.pix_writer"):format(schema)))
    end)
  end

  it("lets several processes share the work, each operation once (G6)", function()
    open()
    for i = 1, 40 do
      local row = assert(begin("order-" .. i))
      assert(journal:answered(row.id, { now = NOW, due = NOW, charge = { id = "c" .. i } }))
    end
    local workers, done = {}, 0
    for i = 1, 4 do workers[i] = worker("work", url, "w" .. i) end
    for _, pipe in ipairs(workers) do
      pipe:read("*l")
      for line in pipe:lines() do
        assert.truthy(line:find("true$"), line)
        done = done + 1
      end
      pipe:close()
    end
    assert.equal(40, done)
    assert.equal(80, #assert(journal:events { now = NOW + 99 }))
  end)

  it("has one beginner for each order, when several begin and are killed", function()
    open()
    local workers, fresh, told = {}, {}, {}
    for i = 1, 3 do workers[i] = worker("begin", url, "w" .. i, "60") end
    local victim = worker("begin", url, "w9", "60")
    local pid = victim:read("*l")
    for _ = 1, 5 do told[#told + 1] = victim:read("*l") end
    os.execute("kill -9 " .. pid)
    for line in victim:lines() do told[#told + 1] = line end
    victim:close()
    for _, pipe in ipairs(workers) do
      pipe:read("*l")
      for line in pipe:lines() do told[#told + 1] = line end
      pipe:close()
    end
    for _, line in ipairs(told) do
      local reference = line:match("^(%S+)\ttrue$")
      if reference then
        assert.is_nil(fresh[reference], reference .. " was begun twice")
        fresh[reference] = true
      end
    end
    assert.equal(60, count("pix_order"))
    assert.equal(60, count("pix_operation"))
  end)
end)
