--- A child process of journal_spec: claims and does work, or writes intents, until there is no
-- more. Arguments: what, where, worker's name, number.
local journals = require "pix.journal"

local what, where, worker, number = arg[1], arg[2], arg[3], tonumber(arg[4])
local journal = assert(journals.open(where, { worker = worker, patience = 20 }))
local NOW = 1700000000

local function say(...)
  print(...)
  io.stdout:flush()
end

-- Does each claimed operation once: the status is the work.
local function work()
  repeat
    local list = assert(journal:claim { now = NOW + 10, n = 3 })
    for _, row in ipairs(list) do
      local _, changed = assert(journal:status(row.id,
        { status = "paid", now = NOW + 10, fence = row.fence }))
      say(row.id, changed)
    end
  until #list == 0
end

-- Begins orders; says each only when it is recorded.
local function begin()
  for i = 1, number do
    local row, fresh = assert(journal:intent { reference = "order-" .. i, provider = "ssg",
      amount = i, params = "p", now = NOW })
    say(row.reference, fresh)
  end
end

if what == "work" then work() else begin() end
journal:close()
