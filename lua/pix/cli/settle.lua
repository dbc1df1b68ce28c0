--- What becomes of a charge that nobody waits for any more: it is cancelled where the provider can,
-- looked at once more, and the reader is told where the money is.
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = {}

local function note_error(ctx, err)
  if not ctx.json then
    ctx.note(table.concat(report.error_lines(ctx, err), "\n"))
  end
end

-- The outcome, in words or as JSON, and the exit status of a wait that reached an end.
local function finish(ctx, charge, words, status)
  if ctx.json then
    ctx.print(json.encode(report.charge_members(charge)))
  else
    ctx.print(words)
  end
  return status
end

--- Tells a charge's state.
function M.tell(ctx, charge)
  return finish(ctx, charge, ("%s  %s"):format(require("pix").format(charge.amount or 0),
    report.status(ctx, charge)), exit.of_status(charge.status))
end

-- Cancels if that is wanted and possible; why it stays payable otherwise.
local function cancel(ctx, provider, charge, keep)
  if keep then
    return ctx.say("kept")
  elseif not provider:supports("cancel") then
    return ctx.say("cannot_cancel")
  end
  if not ctx.json then
    ctx.note(ctx.say("cancelling"))
  end
  local status, err = charge:cancel()
  if not status then
    note_error(ctx, err)
    return ctx.say("cancel_failed")
  end
end

-- Cancelled, or paid in the last moment, or still payable: the last look decides.
local function settle(ctx, provider, charge, keep, otherwise)
  local why = cancel(ctx, provider, charge, keep)
  local id, name = terminal.printable(charge.id), charge.provider
  local known, err = true, nil
  if charge.status ~= "cancelled" then
    known, err = charge:refresh()
  end
  if not known then
    note_error(ctx, err)
    return finish(ctx, charge, ctx.say("not_known", id, name), otherwise)
  elseif charge.status == "cancelled" then
    return finish(ctx, charge, ctx.say("now_cancelled", id, name), otherwise)
  elseif charge.status == "paid" then
    return finish(ctx, charge, ctx.say("paid_after_all", id), exit.OK)
  elseif charge.status == "pending" or charge.status == "unknown" then
    return finish(ctx, charge, ctx.say("still_payable", id, name, why or ctx.say("cancel_failed")),
      otherwise)
  end
  return finish(ctx, charge, report.status(ctx, charge), otherwise)
end

--- After Ctrl-C.
-- @treturn number 130, or 0 when it turned out to be paid
function M.after_interruption(ctx, provider, charge, keep)
  if not ctx.json then
    ctx.note(ctx.say("interrupted"))
  end
  return settle(ctx, provider, charge, keep, exit.INTERRUPTED)
end

--- After --timeout.
-- @treturn number the status of the charge's state
function M.after_timeout(ctx, provider, charge, keep, seconds)
  if not ctx.json then
    ctx.note(ctx.say("timed_out", terminal.countdown(seconds)))
  end
  local status = settle(ctx, provider, charge, keep, nil)
  return status or exit.of_status(charge.status)
end

return M
