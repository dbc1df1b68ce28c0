-- bench/journal.lua [WHERE] - how fast the journal records, and how much room it takes.
--   .ci/lua 5.4 bench/journal.lua               SQLite, in the folder it is run in
--   .ci/lua 5.4 bench/journal.lua postgres://…  an empty database
-- An order is three transactions: the intent, the answer, the payment. FLIGHT orders at a time.
local pix = require "pix"
local journals = require "pix.journal"

local where = arg[1] or "bench-journal.db"
local NOW = 1700000000
local CODE = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
  .. "5204000053039865802BR5913FULANO DE TAL6008BRASILIA62070503***63041D3D"

local core = require "pix.core"

local function order(journal, reference)
  local row = assert(journal:intent { reference = reference, provider = "ssg", amount = 1990,
    params = journals.hash { amount = 1990, reference = reference }, now = NOW })
  assert(journal:answered(row.id, { now = NOW, due = NOW + 3, charge = {
    id = "0192fee7-4c2a-73bb-a74a-" .. row.id:sub(1, 12), code = CODE, code_kind = "brcode",
    status = "pending", expires = NOW + 900 } }))
  return row
end

local function pay(journal, row)
  assert(journal:status(row.id, { status = "paid", now = NOW + 60 }))
  assert(journal:acknowledge { row.id .. ".created", row.id .. ".paid" })
end

local function measure(journal, flight, orders)
  local commits, transactions = journal:counts()
  local began = core.reactor():now()
  pix.run(function()
    local tasks = {}
    for t = 1, flight do
      tasks[t] = function()
        for i = 1, orders / flight do
          pay(journal, order(journal, ("bench-%d-%d-%d"):format(flight, t, i)))
        end
        return true
      end
    end
    assert(select(2, pix.all(tasks)) == nil)
  end)
  local seconds = core.reactor():now() - began
  local after, all = journal:counts()
  print(("| %d | %.0f | %.0f | %.0f | %.1f |"):format(flight, orders / seconds,
    (all - transactions) / seconds, (after - commits) / seconds,
    (all - transactions) / (after - commits)))
end

local journal = assert(journals.open(where))
assert(journal:start())
print(("%s on %s"):format(journal:name(), _VERSION))
print("| orders in flight | orders/s | transactions/s | commits/s | transactions per commit |")
print("|---|---|---|---|---|")
measure(journal, 1, 200)
measure(journal, 64, 6400)
if journal:name() == "sqlite" then
  local function size()
    local rows = assert(journal:_submit { { sql = "PRAGMA page_count", n = 0 } })
    return rows[1][1].page_count * 4096
  end
  local before = size()
  for i = 1, 20 do
    pix.run(function()
      local tasks = {}
      for t = 1, 100 do
        tasks[t] = function() return order(journal, ("size-%d-%d"):format(i, t)) end
      end
      pix.all(tasks)
    end)
  end
  print(("bytes per waiting charge, with its event: %.0f"):format((size() - before) / 2000))
end
journal:close()
if not arg[1] then
  for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(where .. suffix) end
end
