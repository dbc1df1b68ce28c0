local cjson = require "cjson"
local exit = require "pix.cli.exit"
local journals = require "pix.journal"
local program = require "spec.support.program"

local NOW = 1700000000

describe("pix journal", function()
  local folder, env, journal, ids

  before_each(function()
    folder = program.folder()
    env = { LANG = "C.UTF-8", TZ = "UTC" }
    journal = assert(journals.open(folder .. "/pix.db"))
    ids = {}
  end)

  after_each(function() program.remove(folder) end)

  -- An operation of each state; the journal is closed then, for SQLite must not cross a fork.
  local function fill()
    for i, name in ipairs { "answered", "unknown", "failed", "orphan" } do
      ids[name] = assert(journal:intent { reference = "order-" .. i, provider = "detseg",
        amount = 1000 * i, params = "p", now = NOW + i }).id
    end
    assert(journal:answered(ids.answered, { now = NOW, due = NOW + 9,
      charge = { id = "c-1", code = "000201", code_kind = "brcode" } }))
    assert(journal:unknown(ids.unknown, { now = NOW, data = { error_kind = "timeout" } }))
    assert(journal:failed(ids.failed, { now = NOW }))
    assert(journal:unknown(ids.orphan, { now = NOW }))
    assert(journal:orphan(ids.orphan, { now = NOW }))
    ids.cancel = assert(journal:intent { reference = ids.answered, kind = "cancel",
      provider = "detseg", params = "cancel", now = NOW + 5 }).id
    journal:close()
  end

  local function pix(...)
    local words = { program.interpreter(), program.root .. "/spec/support/pix_cli.lua", "journal",
      ... }
    return program.run(words, { env = env, folder = folder })
  end

  local function rows_of(...)
    local result = pix(...)
    assert.equal(0, result.status, result.err)
    return cjson.decode(result.out)
  end

  it("lists the newest operations first, as a table", function()
    fill()
    local result = pix "ls"
    assert.equal(0, result.status)
    local lines = {}
    for line in result.out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    assert.equal(6, #lines)
    assert.truthy(lines[2]:find("2023-11-14 22:13:25  cancel  begun", 1, true), lines[2])
    assert.truthy(lines[3]:find("R$ 40,00  2023-11-14 22:13:24  charge  UNKNOWN, orphan", 1, true))
    assert.truthy(lines[6]:find("not paid yet  detseg    order-1", 1, true), lines[6])
    assert.truthy(lines[6]:find(ids.answered .. "$"))
  end)

  it("lists those of a state, of an order, and not more than it is told", function()
    fill()
    assert.equal(2, #rows_of("ls", "--state", "unknown", "--json"))
    assert.equal(ids.failed, rows_of("ls", "--reference", "order-3", "--json")[1].id)
    assert.equal(ids.cancel, rows_of("ls", "-n", "1", "--json")[1].id)
    assert.equal(exit.USAGE, pix("ls", "-n", "0").status)
  end)

  it("finds the newest of more than a page", function()
    for i = 1, 450 do
      assert(journal:intent { reference = "o-" .. i, provider = "ssg", params = "p",
        now = NOW + i })
    end
    journal:close()
    local rows = rows_of("ls", "-n", "2", "--json")
    assert.same({ "o-450", "o-449" }, { rows[1].reference, rows[2].reference })
  end)

  it("speaks Portuguese", function()
    fill()
    local result = pix("ls", "--lang", "pt")
    assert.truthy(result.out:find("DESCONHECIDO, órfã", 1, true))
    assert.truthy(pix("ls", "--reference", "x", "--lang", "pt").out:find("não tem tal", 1, true))
  end)

  it("shows an operation by its id, its charge's id, or its order's reference", function()
    fill()
    for _, id in ipairs { ids.answered, "c-1", "order-1" } do
      local rows = rows_of("show", id, "--json")
      assert.same({ ids.answered, ids.cancel }, { rows[1].id, rows[2].id })
      assert.equal("000201", rows[1].code)
    end
    local result = pix("show", ids.unknown)
    assert.truthy(result.out:find("error_kind  timeout", 1, true), result.out)
    assert.truthy(result.out:find("amount      R$ 20,00", 1, true), result.out)
  end)

  it("says that it has no such thing", function()
    fill()
    local result = pix("show", "nothing")
    assert.equal(exit.NOT_FOUND, result.status)
    assert.truthy(result.err:find("nothing", 1, true))
  end)

  it("lists the charges that orders went on without", function()
    fill()
    local rows = rows_of("orphans", "--json")
    assert.same({ 1, ids.orphan }, { #rows, rows[1].id })
  end)

  it("takes a person's word for what is unknown, and keeps the name", function()
    fill()
    local result = pix("resolve", ids.unknown, "--as", "paid", "--charge", "c-9", "--by", "Maria",
      "--note", "seen in the panel")
    assert.equal("The operation " .. ids.unknown .. " is resolved: PAID.\n", result.out)
    local row = rows_of("show", ids.unknown, "--json")[1]
    assert.same({ "answered", "paid", "c-9" }, { row.state, row.status, row.charge_id })
    assert.same({ by = "Maria", note = "seen in the panel" }, row.data)
  end)

  it("writes the event with it, for the shop to tell", function()
    fill()
    assert.equal(0, pix("resolve", ids.unknown, "--as", "paid", "--by", "Maria").status)
    journal = assert(journals.open(folder .. "/pix.db"))
    local types = {}
    for _, event in ipairs(assert(journal:events { now = os.time() + 99 })) do
      types[event.id] = event.type
    end
    journal:close()
    assert.equal("charge.paid", types[ids.unknown .. ".paid"])
  end)

  it("takes no word for what is known already, and none without a name", function()
    fill()
    assert.equal(exit.DECLINED,
      pix("resolve", ids.answered, "--as", "failed", "--by", "Maria").status)
    assert.equal(exit.NOT_FOUND, pix("resolve", "none", "--as", "failed", "--by", "M").status)
    assert.equal(exit.USAGE, pix("resolve", ids.unknown, "--as", "failed").status)
    assert.equal(exit.USAGE, pix("resolve", ids.unknown, "--by", "Maria").status)
    assert.equal("unknown", rows_of("show", ids.unknown, "--json")[1].state)
  end)

  it("exports every operation, a line each", function()
    fill()
    local count = 0
    for line in pix("export").out:gmatch("[^\n]+") do
      assert.truthy(cjson.decode(line).id)
      count = count + 1
    end
    assert.equal(5, count)
  end)

  it("looks where it is told, and makes no journal that is not there", function()
    fill()
    env.PIX_JOURNAL = "other.db"
    local result = pix "ls"
    assert.equal(exit.CONFIG, result.status)
    assert.truthy(result.err:find("other.db", 1, true))
    assert.is_nil(io.open(folder .. "/other.db"))
    assert.equal(0, pix("ls", "--journal", "sqlite:pix.db").status)
  end)
end)
