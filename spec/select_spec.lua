local core = require "pix.core"
local choice = require "pix.select"

local function chance(text)
  return tonumber(core.hex_sha256(text):sub(1, 8), 16) / 2 ^ 32
end

local function facts(changes)
  local all = {
    operation = "charge", amount = 1990, reference = "order-1", chance = chance, turn = 0,
    providers = {
      { name = "ssg", supports = { charge = true } },
      { name = "detseg", supports = { charge = true } },
      { name = "payzu", supports = { charge = true, subscribe = true } },
    },
  }
  for name, value in pairs(changes or {}) do
    all[name] = value
  end
  return all
end

local function set(list, name, values)
  for i, value in pairs(values) do
    list.providers[i][name] = value
  end
  return list
end

describe("selection", function()
  it("by failover keeps the program's order", function()
    assert.same({ "ssg", "detseg", "payzu" }, choice.choose(facts(), "failover").order)
  end)

  it("by round robin begins one further each time", function()
    local firsts = {}
    for turn = 0, 3 do
      firsts[#firsts + 1] = choice.choose(facts { turn = turn }, "round_robin").order[1]
    end
    assert.same({ "ssg", "detseg", "payzu", "ssg" }, firsts)
  end)

  it("leaves out who lacks the operation, and says so", function()
    local chosen = choice.choose(facts { operation = "subscribe" }, "failover")
    assert.same({ "payzu" }, chosen.order)
    assert.equal("it cannot subscribe", chosen.out.ssg)
  end)

  it("leaves out whose breaker is open, and says for how long", function()
    local chosen = choice.choose(set(facts(), "open_for", { 6.2 }), "failover")
    assert.same({ "detseg", "payzu" }, chosen.order)
    assert.equal("its breaker is open for 7 s", chosen.out.ssg)
  end)

  it("with nobody left chooses nobody", function()
    local chosen = choice.choose(facts { operation = "nothing" }, "cheapest")
    assert.same({}, chosen.order)
  end)

  describe("by weight", function()
    local function draw(reference, weights)
      local list = set(facts { reference = reference }, "weight", weights)
      return choice.choose(list, "weighted").order
    end

    it("follows the weights", function()
      local count = { ssg = 0, detseg = 0, payzu = 0 }
      for i = 1, 4000 do
        local first = draw("order-" .. i, { 3, 1, 0 })[1]
        count[first] = count[first] + 1
      end
      assert.near(3000, count.ssg, 150)
      assert.equal(0, count.payzu)
    end)

    it("stays where it was when it is repeated", function()
      for i = 1, 50 do
        assert.same(draw("order-" .. i, { 1, 1, 1 }), draw("order-" .. i, { 1, 1, 1 }))
      end
    end)

    it("moves only the orders of a provider that is left out", function()
      for i = 1, 200 do
        local before = draw("order-" .. i, { 1, 1, 1 })
        local list = set(facts { reference = "order-" .. i }, "weight", { 1, 1, 1 })
        list.providers[1].open_for = 5
        local after = choice.choose(list, "weighted").order
        assert.equal(before[1] == "ssg" and before[2] or before[1], after[1])
      end
    end)
  end)

  it("keeps the program's order among equals", function()
    local list = set(facts(), "latency", { 0.2, 0.2, 0.2 })
    assert.same({ "ssg", "detseg", "payzu" }, choice.choose(list, "fastest").order)
  end)

  it("by latency puts the fastest first, and who was never measured before it", function()
    local list = set(facts(), "latency", { 0.3, 0.1, 0.2 })
    assert.same({ "detseg", "payzu", "ssg" }, choice.choose(list, "fastest").order)
    list.providers[3].latency = nil
    assert.equal("payzu", choice.choose(list, "fastest").order[1])
  end)

  describe("by success rate", function()
    local function measured(reference, rows)
      local list = facts { reference = reference }
      for i, row in ipairs(rows) do
        list.providers[i].all, list.providers[i].good = row[1], row[2]
      end
      return choice.choose(list, "success_rate")
    end

    it("keeps the program's order below 100 samples", function()
      assert.equal("ssg", measured("a", { { 50, 0 }, { 49, 49 } }).order[1])
    end)

    it("puts the highest rate first from then on, but for 1 order in 20", function()
      local first, explored = 0, { ssg = 0, payzu = 0 }
      for i = 1, 2000 do
        local name = measured("o" .. i, { { 60, 30 }, { 60, 59 }, { 60, 50 } }).order[1]
        if name == "detseg" then first = first + 1 else explored[name] = explored[name] + 1 end
      end
      assert.near(1900, first, 40)
      assert.truthy(explored.ssg > 20 and explored.payzu > 20)
    end)
  end)

  describe("by fee", function()
    it("adds the percentage, rounded up to a centavo, and the fixed part", function()
      assert.equal(20, choice.fee({ percent = 0.99 }, 1990))
      assert.equal(30, choice.fee({ percent = 0.99, fixed = 10 }, 1990))
      assert.equal(1, choice.fee({ percent = 0.0001 }, 1))
      assert.equal(0, choice.fee({}, 1990))
      assert.equal(990000000000, choice.fee({ percent = 0.99 }, 100000000000000))
    end)

    it("puts the cheapest for this amount first", function()
      local list = set(facts(), "fee", { { percent = 1 }, { fixed = 50 }, { percent = 2 } })
      assert.equal("ssg", choice.choose(list, "cheapest").order[1])
      list.amount = 100000
      assert.equal("detseg", choice.choose(list, "cheapest").order[1])
    end)
  end)

  describe("by a function of the program", function()
    it("takes the names it returns, and says who was left out", function()
      local chosen = choice.choose(facts(), function(_, names)
        return { names[3], "nobody", names[1], names[1] }
      end)
      assert.same({ "payzu", "ssg" }, chosen.order)
      assert.truthy(chosen.out.detseg)
    end)

    it("raises when it returns no list", function()
      assert.error_matches(function()
        choice.choose(facts(), function() return "ssg" end)
      end, "must return a list of names")
    end)
  end)

  describe("rules", function()
    local known = { ssg = true, detseg = true, payzu = true }
    local function rules(list) return choice.rules(list, known) end

    it("the first that fits says who may be asked", function()
      local list = rules {
        { when = { amount = { over = 5000 } }, use = { "payzu", "ssg" } },
        { when = { amount = { over = 1000, at_most = 2000 } }, use = { "detseg" } },
      }
      assert.same({ "detseg" }, choice.choose(facts(), "failover", list).order)
      local big = choice.choose(facts { amount = 5001 }, "failover", list)
      assert.same({ "payzu", "ssg" }, big.order)
      assert.equal("rule 1 does not use it", big.out.detseg)
      assert.equal(3, #choice.choose(facts { amount = 5000 }, "failover", list).order)
    end)

    it("look at the operation and at the payer's tax id", function()
      local list = rules { { when = { tax_id = "cnpj", operation = "charge" }, use = { "ssg" } } }
      assert.same({ "ssg" }, choice.choose(facts { tax_id = "cnpj" }, "failover", list).order)
      assert.equal(3, #choice.choose(facts { tax_id = "cpf" }, "failover", list).order)
    end)

    it("are checked before anything is sold", function()
      local wrong = {
        { { when = { amount = { above = 1 } }, use = { "ssg" } } },
        { { when = { amount = { over = 1.5 } }, use = { "ssg" } } },
        { { when = { colour = "red" }, use = { "ssg" } } },
        { { when = {}, use = { "pagseguro" } } },
        { { when = {}, use = {} } },
        { { when = {}, use = { "ssg", "ssg" } } },
        { { use = { "ssg" } } },
        { { when = { tax_id = "rg" }, use = { "ssg" } } },
        { { when = {}, use = { "ssg" }, whith = 1 } },
      }
      for _, list in ipairs(wrong) do
        local compiled, why = rules(list)
        assert.is_nil(compiled)
        assert.matches("^rules%[1%]: ", why)
      end
    end)
  end)
end)
