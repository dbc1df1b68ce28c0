local pix = require "pix"

local COFFEE = "examples/flows/coffee.flow.lua"
local ORDER = { total = "8.50", order = "17" }

describe("a run of the coffee kiosk", function()
  local t

  before_each(function() t = pix.testing.flow(COFFEE) end)
  after_each(function() t:stop() end)

  it("takes the money, brews, and thanks", function()
    assert.equal("thanks", (t:run(ORDER)))
    assert.equal("pay —paid→ brew —ok→ thanks", t:way())
    assert.same({ "qr", "thanks" }, t.shown)
    assert.equal("17", t.charges[1].reference)
    assert.equal(850, t.charges[1].amount)
  end)

  it("tries to brew twice, and then gives the money back", function()
    t:script { brew = "failed" }
    assert.equal("sorry", (t:run(ORDER)))
    assert.equal("pay —paid→ brew —failed→ give_back —refunded→ sorry", t:way())
    assert.equal(2, #t.performed)
    assert.equal(t.performed[1].key, t.performed[2].key)
    assert.equal("refunded", t.charges[1].status)
    assert.equal(0, #t.alerts)
  end)

  it("calls the attendant when the money cannot be given back", function()
    t:script { brew = "failed", give_back = "failed" }
    t:run(ORDER)
    assert.same({ "Pedido 17: falar com o cliente" }, t.alerts)
    assert.equal("paid", t.charges[1].status)
  end)

  it("asks again when the code has expired, under another reference", function()
    t:script { pay = { "expired", "paid" }, again = "yes" }
    assert.equal("thanks", (t:run(ORDER)))
    assert.equal("17/2", t.charges[2].reference)
    assert.equal("expired", t.charges[1].status)
  end)

  it("goes away when nobody answers", function()
    t:script { pay = "expired" }
    assert.equal("bye", (t:run(ORDER)))
    assert.equal("pay —expired→ again —timed_out→ bye", t:way())
    assert.equal(21, t:now())
  end)

  it("cancels the charge itself when its time is over", function()
    t:script { pay = "nothing" }
    t:run(ORDER)
    assert.equal("cancelled", t.charges[1].status)
    assert.matches("^pay —expired→ again", t:way())
    assert.is_true(t:now() >= 320)
  end)

  it("cancels the charge before it follows a signal", function()
    t:script { pay = "nothing" }
    t:signal("pay", "cancel")
    assert.equal("bye", (t:run(ORDER)))
    assert.equal("pay —cancel→ bye", t:way())
    assert.equal("cancelled", t.charges[1].status)
    assert.is_true(t:now() < 2)
  end)

  it("delivers when the payment was faster than the signal", function()
    t:script { pay = "nothing" }
    t:signal("pay", "cancel")
    t._move = function(_, charge) charge.status = "paid" return "paid" end
    assert.equal("thanks", (t:run(ORDER)))
  end)

  it("hands to a person what may have been paid", function()
    t:script { pay = "unknown" }
    assert.equal("sorry", (t:run(ORDER)))
    assert.equal(1, #t.alerts)
  end)

  it("does not follow a signal when the charge cannot be cancelled", function()
    t:script { pay = "nothing" }
    t._doubt["17"] = true
    t:signal("pay", "cancel")
    t:run(ORDER)
    assert.equal("pay —unknown→ attendant —next→ sorry", t:way())
  end)

  it("hears signals only where they lead somewhere", function()
    local heard
    t:perform("brew", function() heard = t._run:signal "cancel" return true end)
    t:run(ORDER)
    assert.is_false(heard)
  end)

  it("takes a host's function that raises for one that failed", function()
    t:perform("brew", function() error "jam" end)
    t:run(ORDER)
    assert.matches("brew —failed→ give_back", t:way())
    assert.matches("jam", t.errors[1])
  end)

  it("gives up a host's function that takes too long", function()
    t:script { brew = "timed_out" }
    t:run(ORDER)
    assert.matches("brew —failed→ give_back", t:way())
    assert.is_true(t:now() >= 180)
  end)

  it("writes every transition down, and tells them in words", function()
    t:run(ORDER)
    local run = t.journal:run_get(t._run.id)
    assert.is_true(run.ended)
    local causes = {}
    for i, step in ipairs(run.steps) do causes[i] = step.cause end
    assert.same({ "made", "paid", "ok" }, causes)
    local text = table.concat(pix.flow.trace(t.journal, run.id), "\n")
    assert.matches("the customer paid → brew", text)
    assert.matches("pay: charge%-1, R%$ 8,50 at test, paid", text)
  end)
end)

describe("flow:run", function()
  local t, flow

  before_each(function()
    t = pix.testing.start()
    flow = assert(pix.flow.load(COFFEE))
  end)
  after_each(function() t:stop() end)

  local function given(extra)
    local ssg = pix.ssg { client_id = "a", client_secret = "b", device_code = "c" }
    local options = { checkout = ssg, perform = { brew = function() return true end },
      alert = function() end, ui = {} }
    for key, value in pairs(extra or {}) do options[key] = value end
    return options
  end

  it("runs against a provider object", function()
    local code
    local run = assert(flow:run(ORDER, given { ui = { show = function(name, data)
      if name == "qr" then
        code = data.code
        t:pay(data.charge)
      end
    end } }))
    assert.equal("done", (run:wait()))
    assert.equal("thanks", run.state)
    assert.matches("^000201", code)
  end)

  it("refuses input that does not fit", function()
    for _, bad in ipairs { {}, { total = "x", order = "1" }, { total = 1, order = "1", more = 1 },
      { total = 1, order = {} } } do
      local run, err = flow:run(bad, given())
      assert.is_nil(run)
      assert.equal("invalid", err.kind)
    end
  end)

  it("raises when the host lacks what the flow needs", function()
    assert.error_matches(function() flow:run(ORDER, given { perform = {} }) end,
      'perform%["brew"%]')
    assert.error_matches(function() flow:run(ORDER, given { alert = false }) end, "alert")
    assert.error_matches(function() flow:run(ORDER, given { chekout = 1 }) end, "checkout")
  end)

  it("refuses a checkout with providers that the flow was not proved for", function()
    local text = io.open(COFFEE):read "*a"
    flow = assert(pix.flow.load((text:gsub("start = ", 'providers = { "payzu" }, start = ', 1)
      :gsub("give_back = refund[^\n]*\n", ""):gsub("give_back", "attendant"))))
    local _, err = flow:run(ORDER, given())
    assert.equal("config", err.kind)
    assert.matches("proved for the providers payzu", err.message)
  end)

  it("refuses the id of a run that is there", function()
    local journal = pix.flow.memory()
    assert(flow:run(ORDER, given { journal = journal, id = "r" }))
    local _, err = flow:run(ORDER, given { journal = journal, id = "r" })
    assert.equal("exists", err.code)
  end)

  it("ends in a person's hands when the flow's own code fails", function()
    local text = io.open(COFFEE):read("*a"):gsub('description = "Pedido {order}"',
      "description = function() return {} .. 'x' end")
    flow = assert(pix.flow.load(text))
    local _, err = flow:run(ORDER, given())
    assert.matches("concatenate", err.message)
    text = io.open(COFFEE):read("*a"):gsub('timeout = "90s"', "timeout = function() error 'no' end")
    flow = assert(pix.flow.load(text))
    local alerts = {}
    local run = assert(flow:run(ORDER, given { on_error = function() end,
      alert = function(message) alerts[#alerts + 1] = message end,
      ui = { show = function(name, data) if name == "qr" then t:pay(data.charge) end end } }))
    assert.equal("failed", (run:wait()))
    assert.matches("stopped at brew.*money may have been taken", alerts[1])
  end)
end)
