-- make demo: one payment at each of the three providers, from end to end, in the sandbox.
-- Real HTTP on this machine; no money moves.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"
local terminal = require "pix.cli.terminal"

local PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "(11) 98765-4321" }

local paint = terminal.painter(terminal.wants_colour(1, os.getenv))
local clock = require("pix.core").reactor()
local start = clock:now()

local function say(...)
  io.stdout:write(...)
  io.stdout:write("\n")
  io.stdout:flush()
end

local function step(text)
  say(paint("dim", ("%4.1f s "):format(clock:now() - start)), text)
end

local function value(result, err)
  return result or error(tostring(err), 0)
end

-- ---- What there is: three providers, and a shop that hears webhooks ----

local sandbox = pix.sandbox.start()
local receiver = value(io.popen(("PAYZU_WEBHOOK_SECRET=%s %s %s/webhook_receiver.lua 1"):format(
  sandbox.credentials.payzu.webhook_secret, setup.interpreter(), setup.here)))
local greeting = value(receiver:read("*l"), "the receiver did not start")
local webhook_url = value(greeting:match("^listening (.+)$"), greeting)

local function open(name, more)
  local options = { base_url = sandbox.url[name] }
  for _, given in ipairs({ sandbox.credentials[name], more }) do
    for key, text in pairs(given) do
      options[key] = text
    end
  end
  return value(pix.provider(name, options))
end

local shop = { detseg = open("detseg", {}), payzu = open("payzu", { webhook_url = webhook_url }),
  ssg = open("ssg", {}) }

local ORDERS = {
  { provider = "detseg", amount = "49.90", payer = PAYER, description = "Two coffees and a cake" },
  { provider = "ssg", amount = "19.90" },
  { provider = "payzu", amount = "7.50", payer = PAYER },
}

local rows = { { "provider", "what", "amount", "outcome", "id" } }
local function record(charge, what, outcome)
  rows[#rows + 1] = { charge.provider, what, charge.amount and pix.format(charge.amount) or "",
    outcome, charge.id }
end

-- ---- The story ----

local function make_charges()
  local tasks, charges = {}, {}
  for i, order in ipairs(ORDERS) do
    tasks[i] = pix.spawn(function()
      return shop[order.provider]:charge { amount = order.amount, payer = order.payer,
        description = order.description }
    end)
  end
  local results, errors = pix.all(tasks)
  for i = 1, #ORDERS do
    charges[i] = value(results[i], errors and errors[i])
  end
  return charges
end

local function show(charge)
  say("")
  say(value(charge:qr("text", { level = "L", margin = 2, colour = true })))
  say(paint("bold", "Pix copy and paste:"), " ", charge.code, "\n")
end

local function wait_until_paid(charges)
  local tasks = {}
  for i, charge in ipairs(charges) do
    tasks[i] = pix.spawn(function()
      local status = value(charge:wait { timeout = 20 })
      step(("%s at %s: %s"):format(pix.format(charge.amount), charge.provider,
        paint("green", status)))
      record(charge, "charge", status)
      return status
    end)
  end
  local results, errors = pix.all(tasks)
  value(not errors and results, errors and select(2, next(errors)))
end

local function subscribe()
  local card = value(pix.card { number = sandbox.cards.approved, cvv = "123", expiry = "12/2035",
    holder = "MARIA DA SILVA" })
  local made = value(shop.payzu:subscribe { plan = "PLAN123", payer = PAYER, card = card,
    trial = true })
  step(("a subscription at payzu, trial until %s, by %s"):format(made.trial_ends_at,
    tostring(card)))
  record(made, "plan", "trial")
end

local function cancel_one()
  local unwanted = value(shop.ssg:charge { amount = "5.00" })
  value(unwanted:cancel())
  step("another charge at ssg is cancelled before anybody pays it")
  record(unwanted, "charge", unwanted.status)
end

local function refund(charge)
  value(charge:refund())
  step(("%s at ssg are paid back"):format(pix.format(charge.amount)))
  record(charge, "refund", charge.status)
end

-- The receiver is a program of its own; it printed what it verified before it answered.
local function hear_webhook(charge)
  local line = value(receiver:read("*l"), "no webhook arrived")
  local id = line:match("^verified (%S+) paid")
  value(id == charge.id, "the webhook said: " .. line)
  step("a signed webhook arrived over HTTP and is genuine")
  record(charge, "webhook", "verified")
end

local function story()
  local charges = make_charges()
  step("three charges at three providers, made at the same time")
  show(charges[3])
  for _, charge in ipairs(charges) do
    sandbox.pay(charge)
  end
  step("the payer pays; luapix looks every 2–3 s, and meanwhile:")
  local others = { pix.spawn(subscribe), pix.spawn(cancel_one) }
  wait_until_paid(charges)
  pix.all(others)
  refund(charges[2])
  hear_webhook(charges[3])
end

local OUTCOMES = { paid = "green", refunded = "cyan", cancelled = "yellow", verified = "green",
  trial = "green" }

local function print_table()
  local painted = {}
  for i, row in ipairs(rows) do
    painted[i] = { row[1], row[2], row[3], row[4], row[5] }
    if i > 1 then painted[i][4] = paint(OUTCOMES[row[4]] or "red", row[4]) end
  end
  say("")
  for i, line in ipairs(terminal.columns(painted, { [3] = true })) do
    say(i == 1 and paint("bold", line) or line)
  end
end

local ok, why = pcall(pix.run, story)
local requests = ok and sandbox.count {}
sandbox.stop()
receiver:close()
if not ok then
  io.stderr:write("demo: ", tostring(why), "\n")
  os.exit(1, true)
end
print_table()
say(("\n%d requests over HTTP in %.1f s on %s. No money moved, it was the sandbox."):format(
  requests, clock:now() - start, rawget(_G, "jit") and jit.version or _VERSION))
say("Next: ", paint("bold", "bin/pix charge 19.90 --sandbox --wait"),
  " or examples/first_charge.lua")
