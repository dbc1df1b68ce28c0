--- A program is killed between any two of its transactions while it hears of an order's second
-- payment and gives it back. The next start finishes that, once, and the first payment stays.
local crash = require "spec.crash.shop"
local judge = require "spec.crash.judge"
local live = require "spec.support.live"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local recovery = require "spec.crash.recovery"
local victim = require "spec.crash.victim"

describe("a program that is killed while it gives a second payment back", function()
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

  local function start(where)
    return recovery.new({ crash.provider("ssg", sandbox.url.ssg, sandbox.credentials.ssg) }, where,
      folder)
  end

  -- An order with two charges, which were cancelled and are paid all the same: nobody has heard of
  -- the second payment yet.
  local function prepare(where)
    number = number + 1
    local case = { journal = where, folder = folder, operation = "status",
      reference = "order-" .. number, amount = 7000 + number, provider = "ssg",
      base_url = sandbox.url.ssg, credentials = sandbox.credentials.ssg }
    local life = start(where)
    local order = crash.order(case.reference, case.amount)
    local first = assert(life.shop:charge(order))
    assert.equal("cancelled", first:cancel())
    local second = assert(life.shop:charge(order))
    sandbox.pay(first)
    assert.equal("paid", first:refresh())
    sandbox.pay(second)
    life:close()
    case.first, case.second = first.id, second.id
    case.refunds = sandbox.count { provider = "ssg", operation = "refund" }
    return case
  end

  local function check(case, n)
    local life = start(case.journal)
    assert(life.shop:recover { sole = true })
    life:rounds(3) -- looks at what nobody has heard of yet
    local where = "killed before " .. n
    assert.equal("paid", sandbox.charge(case.first).status, where)
    assert.equal("refunded", sandbox.charge(case.second).status, where)
    assert.equal(case.refunds + 1, sandbox.count { provider = "ssg", operation = "refund" }, where)
    local rows = assert(life.store:by_reference(case.reference))
    assert.same({}, judge.payments(crash.charges(sandbox, case.amount), rows))
    for _, row in ipairs(rows) do assert.is_false(row.owed, where) end
    assert.same({}, life.store:watched { n = 10 }, where)
    life:close()
  end

  for _, backend in ipairs { "sqlite", "postgres" } do
    it("loses nothing on " .. backend, function()
      local where = backend == "sqlite" and folder .. "/pix.db" or server:fresh()
      local children = victim.before_each_transaction(function() return prepare(where) end, check)
      assert.truthy(children > 8, children)
    end)
  end
end)
