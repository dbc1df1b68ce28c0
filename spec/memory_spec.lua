--- The journal in memory answers as the durable one does: the same random calls to both.
local journals = require "pix.journal"
local memory = require "pix.memory"

local STATUSES = { "pending", "paid", "expired", "cancelled", "rejected", "refunded" }

local function generator(seed)
  local state = seed * 7919 + 17
  return function(most)
    state = (state * 69069 + 1) % 4294967296
    return math.floor(state / 65536) % most + 1
  end
end

-- What can be compared of an answer.
local function gist(value, changed)
  if type(value) ~= "table" then return { value, type(changed) == "table" and changed.kind } end
  if value.operation or value.fresh ~= nil then
    return { value.fresh, value.changed, value.operation and value.operation.id or false }
  end
  return { value.id, value.state, value.status, value.orphan, value.charge_id or false,
    value.code or false, value.due or false, value.owed,
    type(changed) == "table" and changed.kind or changed }
end

-- Random calls, the same for both; each is function(journal, now).
local function call_of(draw, ids, number)
  local reference = "o-" .. draw(3)
  local id = ids[draw(math.max(1, #ids))]
  local status, due = STATUSES[draw(#STATUSES)], draw(2) == 1 and 900 or nil
  local calls = {
    function(journal, now)
      return journal:intent { reference = reference, provider = "ssg", amount = 100, now = now,
        params = "p" .. draw(8) % 4, id = "op-" .. number }
    end,
    function(journal, now)
      return journal:attempt { reference = reference, provider = "payzu", amount = 100, now = now,
        params = "p1", id = "op-" .. number, previous = id }
    end,
    function(journal, now)
      return journal:answered(id, { now = now, due = due, charge = { id = "c-" .. id, code = "x",
        code_kind = "opaque", status = "pending", amount = 100 } })
    end,
    function(journal, now) return journal:unknown(id, { now = now, due = due }) end,
    function(journal, now) return journal:failed(id, { now = now }) end,
    function(journal, now) return journal:orphan(id, { now = now, due = due }) end,
    function(journal, now)
      return journal:status(id, { now = now, status = status, due = due })
    end,
    function(journal, now)
      return journal:status(id, { now = now, status = status, due = due, orphan = true })
    end,
    function(journal, now)
      return journal:webhook { provider = "ssg", key = "k" .. draw(5), charge_id = "c-" .. id,
        status = status, now = now }
    end,
  }
  local which = #ids == 0 and 1 or draw(#calls)
  return calls[which]
end

-- `draw` is asked inside a call; both journals must see the same numbers.
local function twin(seed)
  local first, second = generator(seed), generator(seed)
  return first, second
end

local function told(journal, now)
  local list = {}
  for _, event in ipairs(assert(journal:events { now = now, n = 1000 })) do
    list[#list + 1] = event.id .. " " .. event.type
  end
  table.sort(list)
  return list
end

describe("the journal in memory", function()
  local place, durable

  before_each(function()
    place = os.tmpname()
    durable = assert(journals.open(place))
  end)

  after_each(function()
    durable:close()
    for _, ending in ipairs { "", "-wal", "-shm" } do
      os.remove(place .. ending)
    end
  end)

  local function run(seed)
    local volatile, ids, now = memory.open(), {}, 1700000000
    local here, there = twin(seed)
    for number = 1, 60 do
      now = now + 1
      local one, two = call_of(here, ids, number), call_of(there, ids, number)
      local mine, theirs = gist(one(volatile, now)), gist(two(durable, now))
      assert.same(theirs, mine, ("seed %d, call %d"):format(seed, number))
      if type(mine[1]) == "string" and mine[1] == "op-" .. number then ids[#ids + 1] = mine[1] end
    end
    assert.same(told(durable, now), told(volatile, now))
    local function shape(list)
      for i, row in ipairs(list) do list[i] = row.id .. row.state .. row.status end
      return list
    end
    for i = 1, 3 do
      assert.same(shape(durable:by_reference("o-" .. i)), shape(volatile:by_reference("o-" .. i)))
    end
    for _, provider in ipairs { "ssg", "payzu" } do
      local query = { kind = "charge", provider = provider, amount = 100, from = 1700000010,
        to = 1700000050 }
      assert.same(shape(durable:undecided(query)), shape(volatile:undecided(query)))
    end
  end

  for seed = 1, 10 do
    it(("answers as SQLite does (seed %d)"):format(seed), function() run(seed) end)
  end

  it("hands what is due to one worker at a time, until the lease is over", function()
    local volatile = memory.open()
    local row = assert(volatile:intent { reference = "o", provider = "ssg", params = "p", now = 1 })
    assert(volatile:unknown(row.id, { now = 1, due = 5 }))
    assert.equal(0, #volatile:claim { now = 4 })
    assert.equal(1, #volatile:claim { now = 5, lease = 60 })
    assert.equal(0, #volatile:claim { now = 6 })
    assert.equal(1, #volatile:claim { now = 66 })
    volatile:later(row.id, { due = 200 })
    assert.equal(0, #volatile:claim { now = 199 })
    assert.equal(1, #volatile:claim { now = 200 })
  end)

  it("ends an unknown one by a person's word", function()
    local journal = memory.open()
    local function unknown(reference)
      local row = assert(journal:intent { reference = reference, provider = "ssg", amount = 100,
        now = 1000, params = "p" })
      assert.is_true(select(2, journal:sent(row.id, { now = 1000 })))
      assert(journal:unknown(row.id, { now = 1001 }))
      return row.id
    end
    local paid, lost, late = unknown "o-1", unknown "o-2", unknown "o-3"
    local row = assert(journal:resolve(paid, { as = "paid", by = "Ana", now = 1002,
      charge_id = "c-1" }))
    assert.same({ "paid", "c-1" }, { row.status, row.charge_id })
    assert.equal("failed", assert(journal:resolve(lost, { as = "failed", by = "Ana",
      now = 1002 })).state)
    assert.equal(1002, assert(journal:resolve(late, { as = "pending", by = "Ana", now = 1002,
      charge_id = "c-3" })).due)
    local _, err = journal:resolve(lost, { as = "paid", by = "Ana", now = 1003 })
    assert.same({ "conflict", "known" }, { err.kind, err.code })
    assert.equal("not_found", select(2, journal:resolve("op-none", { as = "paid" })).kind)
  end)

  it("forgets what is over after a day, and nothing that is watched", function()
    local volatile = memory.open()
    local function add(reference, now)
      return assert(volatile:intent { reference = reference, provider = "ssg", params = "p",
        now = now })
    end
    local over, watched, unclear = add("over", 0), add("watched", 0), add("unclear", 0)
    assert(volatile:failed(over.id, { now = 0 }))
    assert(volatile:answered(watched.id, { now = 0, due = 9, charge = { id = "c" } }))
    assert(volatile:unknown(unclear.id, { now = 0 }))
    for i = 1, 1000 do add("o-" .. i, 90000) end
    assert.is_nil(volatile:get(over.id))
    assert.truthy(volatile:get(watched.id) and volatile:get(unclear.id))
    assert.is_true(select(2, volatile:intent { reference = "over", provider = "ssg", params = "p",
      now = 90001 }))
  end)
end)
