--- The commands of the one who holds the sandbox: {op = …, …} in, a result or an error out.
-- They come as lines on the child's standard input, as words typed at `pix sandbox`, or as
-- POST /_sandbox/<op> over loopback.
local wire = require("pix.sandbox.wire")

local M = {}

local function charge_of(server, args)
  local charge = server.app.ledger:find(args.id)
  if not charge then
    return nil, ("no charge has the id %q"):format(tostring(args.id))
  end
  return charge
end

local function mover(status)
  return function(server, args)
    local charge, why = charge_of(server, args)
    if not charge then
      return nil, why
    end
    local moved
    moved, why = server.app:move(charge, status)
    if moved and args.raw_status then
      server.app.ledger:say(charge, args.raw_status)
    end
    return moved, why
  end
end

M.pay = mover("paid")
M.expire = mover("expired")
M.reject = mover("rejected")
M.cancel = mover("cancelled")
M.refund = mover("refunded")

--- Makes the provider say any word for a charge.
function M.say(server, args)
  local charge, why = charge_of(server, args)
  if not charge then
    return nil, why
  elseif type(args.word) ~= "string" then
    return nil, "say: the word must be a text"
  end
  return server.app.ledger:say(charge, args.word)
end

--- Sends the webhook of a charge's present status once more.
function M.notify(server, args)
  local charge, why = charge_of(server, args)
  if not charge then
    return nil, why
  end
  return server.announce(charge) or nil, "only a charge with a webhook can be announced"
end

M.charge = charge_of

function M.ledger(server)
  local ledger = server.app.ledger
  return { charges = ledger:charges(), subscriptions = ledger:subscriptions() }
end

function M.requests(server, args)
  return server.app:requests(args)
end

function M.count(server, args)
  return server.app:count(args)
end

function M.fault(server, args)
  local fault, why = server.app.faults:add(args)
  if not fault then
    return nil, why
  end
  if fault.kind == "gzip_bomb" then
    fault.bomb = wire.bomb(fault.value)
    if not fault.bomb then
      server.app.faults:clear()
      return nil, "fault: gzip_bomb needs the program gzip"
    end
  end
  return fault.id
end

function M.faults(server)
  return server.app.faults:list()
end

function M.clear_faults(server)
  server.app.faults:clear()
  server.release()
  return true
end

function M.webhook(server, args)
  return server.webhooks:configure(args)
end

function M.webhooks(server, args)
  return server.webhooks:list(args.wait)
end

function M.release_webhooks(server, args)
  return server.webhooks:release(args.reverse)
end

--- Ends all tokens of a provider, or of all: the next request with one gets 401.
function M.expire_tokens(server, args)
  for name in pairs(server.app.modules) do
    if args.provider == nil or args.provider == name then
      server.app.ledger:revoke(name)
    end
  end
  return true
end

function M.reset(server)
  server.app:reset()
  server.webhooks:reset()
  server.release()
  return true
end

--- Runs one command.
-- @treturn table {ok = true, result} or {ok = false, error}
return function(server, args)
  local command = type(args) == "table" and M[args.op]
  if not command then
    return { ok = false, error = ("unknown command %q"):format(tostring((args or {}).op)) }
  end
  args.op = nil
  local ran, result, why = pcall(command, server, args)
  if not ran then
    return { ok = false, error = tostring(result) }
  elseif result == nil then
    return { ok = false, error = why }
  end
  return { ok = true, result = result }
end
