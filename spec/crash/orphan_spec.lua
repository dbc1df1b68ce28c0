--- A program is killed between any two of its transactions while it makes an orphan of a charge:
-- one that it has found, and one that was made with a code that must not be shown. An orphan has
-- its charge at any moment, and what is not yet one is still looked for.
local journals = require "pix.journal"
local crash = require "spec.crash.shop"
local live = require "spec.support.live"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local recovery = require "spec.crash.recovery"
local victim = require "spec.crash.victim"

describe("a program that is killed while a charge becomes an orphan", function()
  local sandbox, server, folder, number

  setup(function()
    folder, number = program.folder(), 0
    sandbox = live.start()
    server = postgres.start()
  end)

  teardown(function()
    server:close()
    sandbox.stop()
    program.remove(folder)
  end)

  local function provider()
    return crash.provider("detseg", sandbox.url.detseg, sandbox.credentials.detseg)
  end

  local function operations(where)
    local journal, list = assert(journals.open(where)), {}
    assert(journal:export(function(row) list[#list + 1] = row end))
    journal:close()
    return list
  end

  local function of(case)
    for _, row in ipairs(operations(case.journal)) do
      if row.reference == case.reference and row.kind == "charge" then return row end
    end
  end

  -- `prepare` makes what a child finds, `after` judges what is left when the next start is through.
  local function kill_everywhere(where, operation, prepare, after)
    return victim.before_each_transaction(function()
      number = number + 1
      local case = { journal = where, folder = folder, operation = operation,
        reference = "order-" .. number, amount = 5000 + number, provider = "detseg",
        base_url = sandbox.url.detseg, credentials = sandbox.credentials.detseg }
      prepare(case)
      return case
    end, function(case, n)
      local row = of(case)
      if row then assert.equal(row.charge_id ~= nil, row.orphan, "killed before " .. n) end
      local life = recovery.new({ provider() }, where, folder)
      assert(life.shop:recover { sole = true })
      life:close()
      after(case, of(case))
    end)
  end

  -- The charge was made, and its answer was lost.
  local function lose_answer(case)
    local journal = assert(journals.open(case.journal))
    local row = assert(journal:intent { reference = case.reference, provider = "detseg",
      amount = case.amount, params = ("0"):rep(32), now = os.time() })
    assert(journal:unknown(row.id, { now = os.time() }))
    journal:close()
    case.made = assert(live.call(provider(), "charge", live.charge_args(case.amount))).id
  end

  for _, backend in ipairs { "sqlite", "postgres" } do
    describe("on " .. backend, function()
      local where

      before_each(function()
        number = number + 1
        where = backend == "sqlite" and ("%s/%d.db"):format(folder, number) or server:fresh()
      end)

      it("because it was found leaves it found or still unknown", function()
        local kills = kill_everywhere(where, "recover", lose_answer, function(case, row)
          assert.same({ "answered", true, case.made }, { row.state, row.orphan, row.charge_id })
        end)
        assert.truthy(kills > 5)
      end)

      it("because its code is for another amount leaves no order without its charge", function()
        local kills = kill_everywhere(where, "charge", function(case)
          sandbox.fault { provider = "detseg", operation = "charge", amount = case.amount + 1 }
        end, function(case, row)
          sandbox.clear_faults()
          local made = crash.charges(sandbox, case.amount)
          assert.equal(row and 1 or 0, #made)
          if row then assert.same({ true, made[1].id }, { row.orphan, row.charge_id }) end
        end)
        assert.truthy(kills > 3)
      end)
    end)
  end
end)
