--- What can only happen with a file: several processes share it, another program locks it, it is
-- not where it should be.
local journals = require "pix.journal"

local NOW = 1700000000
local interpreter = jit and "luajit" or "lua5.4"

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*l")
  pipe:close()
  return text
end

describe("a journal in SQLite", function()
  local dir, file

  before_each(function()
    dir = output_of("mktemp -d")
    file = dir .. "/pix.db"
  end)

  after_each(function() os.execute("rm -rf " .. dir) end)

  local function worker(what, name, number)
    return assert(io.popen(("echo $$; exec %s spec/journal/worker.lua %s %s %s %d 2>&1"):format(
      interpreter, what, file, name, number or 0)))
  end

  local function begin(journal, reference)
    return journal:intent { reference = reference, provider = "ssg", amount = 1990, params = "p",
      now = NOW }
  end

  it("may be written as \"sqlite:\" and a path", function()
    local journal = assert(journals.open("sqlite:" .. file))
    assert.is_true(journal:start())
    assert.equal("sqlite", journal:name())
    journal:close()
    assert.equal("600", output_of("stat -c %a " .. file))
  end)

  it("lets two processes share the work, each operation once (G6)", function()
    local journal = assert(journals.open(file))
    for i = 1, 30 do
      local row = assert(begin(journal, "order-" .. i))
      assert(journal:answered(row.id, { now = NOW, due = NOW, charge = { id = "c" .. i } }))
    end
    local done = 0
    for _, pipe in ipairs { worker("work", "w1"), worker("work", "w2") } do
      pipe:read("*l")
      for line in pipe:lines() do
        assert.truthy(line:find("true$"), line)
        done = done + 1
      end
      pipe:close()
    end
    assert.equal(30, done)
    assert.equal(60, #assert(journal:events { now = NOW + 99 }))
    journal:close()
  end)

  it("has what a process was told before it was killed", function()
    local victim = worker("begin", "w1", 100000)
    local pid, told = victim:read("*l"), {}
    for _ = 1, 20 do told[#told + 1] = victim:read("*l") end
    os.execute("kill -9 " .. pid)
    for line in victim:lines() do told[#told + 1] = line end
    victim:close()
    local journal = assert(journals.open(file, { worker = "w1" }))
    for _, line in ipairs(told) do
      local reference = line:match("^(%S+)\ttrue$")
      if reference then assert.equal(1, #assert(journal:by_reference(reference)), reference) end
    end
    local found = assert(journal:recover { now = NOW, own = true })
    assert.is_true(#found >= 20)
    journal:close()
  end)

  it("says what is wrong with its place, and goes on when that is mended", function()
    local journal = assert(journals.open(dir .. "/none/pix.db"))
    local row, err = begin(journal, "order-1")
    assert.is_nil(row)
    assert.same({ "journal", "config" }, { err.kind, err.code })
    os.execute("mkdir " .. dir .. "/none")
    assert(begin(journal, "order-1"))
    journal:close()
  end)

  it("cannot be used once it is closed", function()
    local journal = assert(journals.open(file))
    assert(begin(journal, "order-1"))
    journal:close()
    journal:close()
    local row, err = begin(journal, "order-2")
    assert.is_nil(row)
    assert.equal("closed", err.code)
  end)

  it("writes what was handed in before it is closed", function()
    local journal = assert(journals.open(file))
    assert(journal:start())
    for i = 1, 20 do
      journal._core:submit { { sql = "INSERT INTO pix_inbox (id, at) VALUES ($1, 1)", n = 1,
        "k" .. i } }
    end
    journal:close()
    journal = assert(journals.open(file))
    assert.equal(20, journal:forget_webhooks(1))
    journal:close()
  end)

  it("says which module is missing", function()
    local loaded = package.loaded["pix.journal_sqlite"]
    package.loaded["pix.journal_sqlite"] = nil
    package.preload["pix.journal_sqlite"] = function() error("no such library") end
    local journal, err = journals.open(file)
    package.preload["pix.journal_sqlite"] = nil
    package.loaded["pix.journal_sqlite"] = loaded
    assert.is_nil(journal)
    assert.equal("config", err.kind)
    assert.truthy(err.message:find("pix.journal_sqlite", 1, true))
  end)

  it("refuses what is misuse", function()
    local core = require "pix.core"
    local inner = assert(core.journal(require "pix.journal_sqlite", file))
    assert.has_error(function() journals.open(17) end)
    assert.has_error(function() core.journal({}, file) end)
    for _, list in ipairs { {}, { "text" }, { { n = 0 } }, { { sql = "SELECT 1", n = -1 } },
      { { sql = "SELECT $1", n = 1, 1.5 } }, { { sql = "SELECT $1", n = 1, {} } },
      { { sql = "SELECT $1", n = 1, "\255" } }, { { sql = ("x"):rep(5000), n = 0 } } } do
      assert.has_error(function() inner:submit(list) end)
    end
    inner:close()
  end)
end)
