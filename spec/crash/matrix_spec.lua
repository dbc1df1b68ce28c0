--- A program is killed at each point of each operation, and another one goes on with its journal.
-- What the points are: spec/crash/seam.lua. Judged by the sandbox's ledger.
local pix = require "pix"
local crash = require "spec.crash.shop"
local judge = require "spec.crash.judge"
local live = require "spec.support.live"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local recovery = require "spec.crash.recovery"
local seam = require "spec.crash.seam"
local victim = require "spec.crash.victim"

-- What each row of the matrix needs before, and which providers it is done at.
local ROWS = {
  { operation = "charge", provider = "detseg" },
  { operation = "charge", provider = "ssg" },
  { operation = "cancel", provider = "ssg", has = "pending" },
  { operation = "refund", provider = "ssg", has = "paid" },
  { operation = "subscribe", provider = "payzu" },
  { operation = "status", provider = "ssg", has = "pending",
    points = { "after_connect", "after_bytes", "after_response", "before_commit", "after_commit",
      "after_event" } },
}

describe("a program that is killed", function()
  local sandbox, server, gate, gate_pid, folder, port
  local number = 0

  setup(function()
    folder = program.folder()
    sandbox = live.start()
    server = postgres.start()
    local target = sandbox.url.ssg:match(":(%d+)")
    gate = assert(io.popen(("echo $$; touch %s/pid; exec %s spec/crash/gate.lua %s %s"):format(
      folder, program.interpreter(), folder, target)))
    gate_pid, port = gate:read("*l"), gate:read("*l")
  end)

  teardown(function()
    os.execute("kill " .. gate_pid)
    gate:close()
    server:close()
    sandbox.stop()
    program.remove(folder)
  end)

  local function provider_of(row)
    return crash.provider(row.provider, sandbox.url[row.provider],
      sandbox.credentials[row.provider])
  end

  local function begin(row, where)
    return recovery.new({ provider_of(row) }, where, folder)
  end

  -- The order in the state that the operation needs.
  local function prepare(row, case)
    if not row.has then return end
    local life = begin(row, case.journal)
    local charge = assert(life.shop:charge(crash.order(case.reference, case.amount)))
    if row.has == "paid" then
      sandbox.pay(charge)
      assert.equal("paid", charge:refresh())
    elseif row.operation == "status" then
      sandbox.pay(charge)
    end
    life:close()
  end

  local function kill(row, case)
    assert.equal("", victim.run {
      journal = case.journal, folder = folder, point = case.point, operation = row.operation,
      reference = case.reference, amount = case.amount, provider = row.provider,
      base_url = sandbox.url[row.provider]:gsub(":%d+", ":" .. port),
      credentials = sandbox.credentials[row.provider],
    })
  end

  local function ledger_of(case)
    return crash.charges(sandbox, case.amount)
  end

  local function rows_of(life, case)
    local list, of = {}, {}
    for _, rows in pairs(life:operations(function(row) return row.id end)) do
      of[rows[1].id] = rows[1]
    end
    for _, row in pairs(of) do
      local subject = of[row.reference]
      if (subject or row).reference == case.reference then list[#list + 1] = row end
    end
    return list
  end

  local function told_of(life, case)
    local list = {}
    for _, event in ipairs(life:told()) do
      if event.reference == case.reference then list[#list + 1] = event end
    end
    return list
  end

  -- The program repeats its order, as it would; where only a person can know, one looks.
  local function repeat_charge(life, case, shown)
    for _ = 1, 4 do
      local charge, err
      pix.run(function()
        charge, err = life.shop:charge(crash.order(case.reference, case.amount))
      end)
      if charge then
        if charge.code then shown[#shown + 1] = { reference = case.reference, id = charge.id } end
        return
      end
      assert.same({ "conflict", "unknown", "maybe" }, { err.kind, err.code, err.sent })
      life:rounds(1)
    end
    local made = ledger_of(case)
    for _, row in ipairs(rows_of(life, case)) do
      if row.state == "unknown" then
        assert(life.store:resolve(row.id, { as = made[1] and "pending" or "failed", by = "Maria",
          now = os.time(), charge_id = made[1] and made[1].id }))
      end
    end
    return repeat_charge(life, case, shown)
  end

  local AGAIN = {
    charge = function(life, case, shown)
      repeat_charge(life, case, shown)
      life:rounds(1)
      for _, charge in ipairs(ledger_of(case)) do
        if charge.status == "pending" then sandbox.pay(charge) end
      end
      life:rounds(3)
    end,
    subscribe = function(life, case)
      local made
      pix.run(function() made = life.shop:subscribe(crash.subscription(case.reference)) end)
      assert.equal(made and 1 or case.done, #sandbox.ledger().subscriptions - case.before)
    end,
  }

  local GOAL = { cancel = "cancelled", refund = "refunded", status = "paid" }

  -- What the killed program had begun is found out, or surely was not done.
  local function settled(life, row, case)
    local status = ledger_of(case)[1].status
    local charge
    for _, found in ipairs(rows_of(life, case)) do
      if found.kind == "charge" then charge = found end
    end
    assert.equal(status, charge.status)
    pix.run(function()
      local again = row.operation == "status" and "status" or row.operation
      local now, err = life.shop[again](life.shop, case.reference)
      assert.equal(GOAL[row.operation], now, tostring(err))
    end)
    assert.equal(GOAL[row.operation], ledger_of(case)[1].status)
  end

  -- Only the sandbox's word for a charge, or a person, ends these.
  local function only_a_person(found)
    return found.kind == "subscribe" or (found.kind == "charge" and found.provider ~= "detseg")
  end

  local function check(life, row, case, shown)
    local operations, told, charges = rows_of(life, case), told_of(life, case), ledger_of(case)
    assert.same({}, judge.unknowns(operations, charges, told, only_a_person))
    assert.same({}, judge.charges(charges, operations))
    assert.same({}, judge.payments(charges, operations))
    assert.same({}, judge.fulfilments(operations, told))
    assert.same({}, judge.codes(shown, charges))
    if row.operation == "charge" then assert.truthy(#charges >= 1 and #charges <= 2) end
  end

  local function one_case(row, where, point)
    number = number + 1
    local case = { journal = where, point = point, reference = "order-" .. number,
      amount = 1000 + number, before = #sandbox.ledger().subscriptions }
    prepare(row, case)
    kill(row, case)
    case.done = #sandbox.ledger().subscriptions - case.before
    local shown = {}
    local life = begin(row, where)
    life:recover()
    life:rounds(3)
    if GOAL[row.operation] then settled(life, row, case) end
    if AGAIN[row.operation] then AGAIN[row.operation](life, case, shown) end
    life:rounds(1)
    check(life, row, case, shown)
    life:close()
  end

  for _, backend in ipairs { "sqlite", "postgres" } do
    describe("on " .. backend, function()
      local where

      setup(function()
        where = backend == "sqlite" and folder .. "/pix.db" or server:fresh()
      end)

      for _, row in ipairs(ROWS) do
        for _, point in ipairs(row.points or seam.POINTS) do
          it(("%s during a %s at %s loses nothing"):format(point:gsub("_", " "), row.operation,
            row.provider), function()
            one_case(row, where, point)
          end)
        end
      end
    end)
  end
end)
