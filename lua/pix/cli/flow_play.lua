--- pix flow run: plays a flow in the terminal. A private sandbox stands in the place of the
-- providers; the keys are the payer, the customer and the machine.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = {}

local TICK = 0.05 -- seconds between two looks at the keyboard

-- ---- Keys ----

-- What a key may mean in a state: rows { key, words, action }.
local function keys_of(game)
  local run, rows, used = game.run, {}, { q = true }
  local node = game.flow.graph.by[run.state]
  local function add(key, words, action)
    for letter in (key .. words .. "0123456789"):gmatch("%w") do
      letter = letter:lower()
      if not used[letter] then
        used[letter] = true
        rows[#rows + 1] = { letter, words, action }
        return
      end
    end
  end
  local charge = game.charge
  if node.verb == "charge" and not charge then
    return rows -- it is being made
  end
  if charge and (node.verb == "charge" or node.verb == "wait" and node.args.of) then
    add("p", "pay", function() game.sandbox.pay(charge.id) end)
    add("e", "expire", function() run:hurry() end)
    add("f", "fail", function() game.sandbox.reject(charge.id) end)
  end
  if node.verb == "perform" then
    add("o", "ok", function() game.performed = true end)
    add("f", "fail", function() game.performed = false end)
  end
  for _, edge in ipairs(node.edges) do
    local outcome = edge.outcome
    if edge.signal then
      add(outcome, outcome, function() run:signal(outcome) end)
    elseif node.verb == "ask" and outcome ~= "timed_out" then
      add(outcome, outcome, function() run:answer(outcome) end)
    elseif outcome == "timed_out" then
      add("t", "time is over", function() run:hurry() end)
    end
  end
  if node.verb == "wait" and node.args.time then
    add("t", "time is over", function() run:hurry() end)
  end
  return rows
end

-- One key, or nil when none was pressed: the terminal does not wait for a line, nor for a key.
local function read_key(game)
  if game.keys then
    local key = game.keys:sub(1, 1)
    game.keys = game.keys:sub(2)
    return key ~= "" and key or "q"
  end
  return io.read(1)
end

local function raw_terminal(on)
  os.execute(on and "stty -icanon -echo min 0 time 0 </dev/tty 2>/dev/null"
    or "stty sane </dev/tty 2>/dev/null")
end

-- ---- Playing ----

local function legend(ctx, rows)
  local parts = {}
  for i, row in ipairs(rows) do
    parts[i] = ("[%s] %s"):format(row[1], row[2])
  end
  parts[#parts + 1] = "[q] quit"
  ctx.print("    " .. ctx.paint("dim", table.concat(parts, "   ")))
end

local function press(game, rows, key)
  if key == "q" then
    game.quit = true
    return true
  end
  for _, row in ipairs(rows) do
    if row[1] == key then
      row[3]()
      require("pix.wake").wake(game.charge and require("pix.wake").key(game.charge) or "")
      return true
    end
  end
end

-- Asks for keys until the run has ended; a state is offered once.
local function keyboard(game, pix)
  local offered
  pix.sleep(TICK) -- the run comes to its first state
  while not game.run.ended and not game.quit do
    if game.ready ~= offered then
      local rows = keys_of(game)
      if #rows > 0 then
        offered = game.ready
        legend(game.ctx, rows)
        repeat
          local key = read_key(game)
          local done = key and press(game, rows, key)
        until done or game.run.ended or game.ready ~= offered or not pix.sleep(TICK)
      end
    end
    if not pix.sleep(TICK) then
      return
    end
  end
end

local function ui_of(game)
  return { show = function(name, data)
    local ctx = game.ctx
    ctx.print(("  %s %s"):format(ctx.paint("cyan", "screen"), terminal.printable(name)))
    if data.charge then
      game.charge = data.charge
      ctx.print(("    %s  %s"):format(require("pix").format(data.charge.amount),
        terminal.printable(data.charge.code)))
    end
    game.ready = game.ready + 1
  end }
end

-- The host's functions ask for a key: did it work?
local function performs(game, pix)
  return setmetatable({}, { __index = function(_, title)
    return function()
      game.ctx.print(("  %s %s"):format(game.ctx.paint("cyan", "perform"), title))
      game.performed, game.ready = nil, game.ready + 1
      while game.performed == nil and not game.quit do
        pix.sleep(TICK)
      end
      if game.performed then
        return game.returns[title] == nil or game.returns[title]
      end
      return nil, "a key said so"
    end
  end })
end

local function named_performs(game, pix)
  local all, list = performs(game, pix), {}
  for _, node in ipairs(game.flow.graph.nodes) do
    if node.verb == "perform" then
      list[node.title] = all[node.title]
    end
  end
  return list
end

local function provider_of(flow, sandbox)
  local name = flow.graph.providers and flow.graph.providers[1] or "ssg"
  for _, node in ipairs(flow.graph.nodes) do
    if node.verb == "subscribe" then
      name = "payzu"
    end
  end
  return require("pix").provider(name, account.sandbox_options(name, sandbox))
end

local function test_card(sandbox)
  return function()
    local pix = require("pix")
    local number = type(sandbox.cards) == "table" and sandbox.cards.approved
    return pix.card({ number = type(number) == "table" and number.number or number
      or "4111111111111111", cvv = "123", expiry = "12/2035", holder = "MARIA DA SILVA" })
  end
end

local function input_of(flow, given)
  local input = {}
  for _, item in ipairs(given) do
    local row = flow.input[item[1]]
    input[item[1]] = row and row.type == "number" and tonumber(item[2])
      or row and row.type == "boolean" and item[2] == "true" or item[2]
  end
  return input
end

local function options_of(game, args, pix)
  local ctx = game.ctx
  return {
    checkout = assert(provider_of(game.flow, game.sandbox)), ui = ui_of(game),
    perform = named_performs(game, pix), journal = args.journal, card = test_card(game.sandbox),
    alert = function(message)
      ctx.print(("  %s %s"):format(ctx.paint("yellow", "person"), terminal.printable(message)))
    end,
    on_step = function(step)
      game.ready = game.ready + 1
      if game.flow.graph.by[step.to].verb == "charge" then
        game.charge = nil
      end
      local why = step.note and ("  (%s)"):format(terminal.printable(step.note)) or ""
      ctx.print(("%s —%s→ %s%s"):format(step.from, step.outcome, ctx.paint("bold", step.to),
        ctx.paint("dim", why)))
    end,
  }
end

local function loop(game, args, pix)
  local err
  game.run, err = game.flow:run(input_of(game.flow, args.input), options_of(game, args, pix))
  if not game.run then
    return report.failure(game.ctx, err)
  end
  game.ctx.print(game.ctx.paint("bold", game.run.state))
  keyboard(game, pix)
  if game.quit and not game.run.ended then
    game.run:stop()
    return exit.INTERRUPTED
  end
  local outcome, result = game.run:wait()
  game.ctx.print(("%s at %s  (run %s)"):format(outcome or tostring(result), game.run.state,
    game.run.id))
  return outcome == "done" and exit.OK or exit.NOT_PAID
end

--- Plays a flow.
-- @tparam table ctx
-- @tparam table flow
-- @tparam table args
-- @tparam[opt] table returns what the host's functions return, by name
-- @treturn number the exit status
function M.play(ctx, flow, args, returns)
  local pix = require("pix")
  local sandbox, err = account.start_sandbox({})
  if not sandbox then
    return report.failure(ctx, err)
  end
  ctx.sandbox = sandbox -- stopped with the command
  require("pix.wake").listen()
  local game = { ctx = ctx, flow = flow, sandbox = sandbox, keys = args.keys, ready = 0,
    returns = returns or {} }
  local on_terminal = not args.keys and terminal.is_terminal(0)
  if on_terminal then
    raw_terminal(true)
  end
  local interrupted, status = interrupt.guard(function()
    return pix.run(function() return loop(game, args, pix) end)
  end)
  if on_terminal then
    raw_terminal(false)
  end
  return interrupted and exit.INTERRUPTED or status
end

return M
