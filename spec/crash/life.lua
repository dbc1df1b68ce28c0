--- Lives of busy processes, for the specs that kill at random moments; and what is judged at the
-- end of some of them.
local cjson = require "cjson"
local pix = require "pix"
local crash = require "spec.crash.shop"
local judge = require "spec.crash.judge"
local live = require "spec.support.live"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local recovery = require "spec.crash.recovery"

local M = {}

local MOST_ROUNDS = 100

--- Where chance begins: CRASH_SEED.
M.SEED = tonumber(os.getenv "CRASH_SEED" or 1)

--- How much a spec does: what an environment variable says, or the usual, or less under valgrind.
function M.size(variable, usual, slow)
  return tonumber(os.getenv(variable) or os.getenv "VALGRIND" and slow or usual)
end

--- What processes share that are killed: a sandbox whose payers pay, a new database of PostgreSQL,
-- a folder. To be left by `leave`.
-- @treturn table { sandbox, journal, folder, providers = {} }
function M.world()
  local sandbox, server = live.start { auto_pay = 0.03 }, postgres.start()
  return { sandbox = sandbox, server = server, journal = server:fresh(),
    folder = program.folder(), providers = {} }
end

function M.leave(world)
  world.server:close()
  world.sandbox.stop()
  program.remove(world.folder)
end

--- Starts a process that works until it has done all there is, and then prints "done".
-- @tparam string script
-- @tparam table given what it is told
-- @treturn table { pid, pipe }
function M.spawn(script, given)
  local pipe = assert(io.popen(("echo $$; exec %s %s %s 2>&1"):format(program.interpreter(), script,
    program.quote(cjson.encode(given)))))
  return { pipe = pipe, pid = pipe:read("*l") }
end

--- Starts a process of busy.lua.
-- @tparam table world sandbox, journal, folder
-- @tparam table more worker, seed, total
-- @treturn table { pid, pipe }
function M.start(world, more)
  return M.spawn("spec/crash/busy.lua", { journal = world.journal, folder = world.folder,
    url = world.sandbox.url, credentials = world.sandbox.credentials, worker = more.worker,
    seed = more.seed, total = more.total })
end

--- Ends one with SIGKILL after some milliseconds. Its complaints, if it has ended by itself, raise.
-- @treturn boolean whether it had done all there was
function M.kill(life, milliseconds)
  os.execute(("sleep %.3f; kill -9 %s 2>/dev/null"):format(milliseconds / 1000, life.pid))
  return M.finish(life)
end

--- Waits for its end.
-- @treturn boolean whether it had done all there was
function M.finish(life)
  local output = life.pipe:read("*a")
  life.pipe:close()
  local rest = output:gsub("recovered\n", ""):gsub("done\n", "")
  assert(rest == "", rest)
  return output:find("done\n", 1, true) ~= nil
end

-- The charges of each provider that no operation has, by their amounts.
local function strangers(charges, operations)
  local map, known = {}, {}
  for _, rows in pairs(operations) do
    if rows[1].charge_id then known[rows[1].charge_id] = true end
  end
  for _, charge in ipairs(charges) do
    if not known[charge.id] then map[charge.provider .. " " .. charge.amount] = charge end
  end
  return map
end

-- What only a person can find out is found out by one, in the provider's panel: the ledger.
local function ask_a_person(life, sandbox)
  local operations = life:operations(function(row) return row.id end)
  local panel = strangers(sandbox.ledger().charges, operations)
  for _, rows in pairs(operations) do
    local row = rows[1]
    if row.state == "unknown" then
      local made = row.kind == "charge" and panel[row.provider .. " " .. row.amount]
      assert(life.store:resolve(row.id, { as = made and "pending" or "failed", by = "Maria",
        now = os.time(), charge_id = made and made.id or nil }))
    end
  end
end

-- The shop asks again for what it had begun.
local function repeat_orders(life, orders)
  pix.run(function()
    for number in pairs(orders.begun) do
      if not orders.ended[number] then
        local reference = crash.reference(number)
        local charge, err = life.shop:charge(crash.order(reference, crash.amount(number)))
        assert(charge or err.code == "unknown", tostring(err))
        if charge and charge.code then
          table.insert(orders.shown, { reference = reference, id = charge.id })
        end
      end
    end
  end)
end

local function all_rows(life)
  local list = {}
  assert(life.store:export(function(row) list[#list + 1] = row end))
  return list
end

-- Looks until a rule holds; a round looks at 50 charges. What never holds is told by the judge.
local function look_until(life, holds)
  for _ = 1, MOST_ROUNDS do
    life:rounds(1)
    if holds(all_rows(life)) then return end
  end
end

local function pay_all(life, sandbox)
  for _, charge in ipairs(sandbox.ledger().charges) do
    -- It may pay by itself in this moment, which it says then.
    if charge.status == "pending" then pcall(sandbox.pay, charge) end
  end
  look_until(life, function(rows)
    return #judge.payments(sandbox.ledger().charges, rows) == 0
  end)
end

local function only_a_person(row)
  return row.kind == "subscribe" or (row.kind == "charge" and row.provider ~= "detseg")
end

local function found_out(rows)
  for _, row in ipairs(rows) do
    if row.state == "unknown" and not only_a_person(row) then return false end
  end
  return true
end

local function refute(what, wrong)
  assert(#wrong == 0, ("%s: %d\n  %s"):format(what, #wrong,
    table.concat(wrong, "\n  ", 1, math.min(#wrong, 10))))
end

--- Recovers after the last life, and holds the journal against the ledger.
-- @treturn table { orders, charges, unknown } as numbers
function M.judge(world)
  local sandbox = world.sandbox
  local life = recovery.new(world.providers, world.journal, world.folder)
  assert(life.shop:recover { sole = true })
  local orders = crash.orders(world.folder .. "/orders")
  repeat_orders(life, orders)
  look_until(life, found_out)
  repeat_orders(life, orders)
  local rows, charges = all_rows(life), sandbox.ledger().charges
  refute("unknown", judge.unknowns(rows, charges, life:told(), only_a_person))
  refute("charges", judge.charges(charges, rows))
  ask_a_person(life, sandbox)
  repeat_orders(life, orders)
  pay_all(life, sandbox)
  rows, charges = all_rows(life), sandbox.ledger().charges
  refute("payments", judge.payments(charges, rows))
  refute("fulfilments", judge.fulfilments(rows, life:told()))
  refute("codes", judge.codes(orders.shown, charges))
  life:close()
  return { orders = orders, charges = charges, rows = rows, told = life:told() }
end

return M
