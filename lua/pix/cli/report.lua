--- How results and errors look: for people on stdout and stderr, for machines as JSON on stdout.
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local terminal = require("pix.cli.terminal")
local text = require("pix.cli.text")

local M = {}

local ERROR_MEMBERS = { "kind", "sent", "provider", "operation", "http_status", "code", "message",
  "fields", "retry_after", "attempts", "hint", "id" }
local CHARGE_MEMBERS = { "id", "provider", "status", "raw_status", "amount", "code", "code_kind",
  "created_at", "late", "sent" }

local COLOUR_OF = { paid = "green", pending = "yellow", unknown = "yellow" }

-- The core may be what is missing.
local function default_hint(kind)
  local found, core = pcall(require, "pix.core")
  return found and core.error({ kind = kind, sent = "no", message = "" }).hint
end

local function pick(from, members)
  local result = {}
  for _, name in ipairs(members) do
    result[name] = from[name]
  end
  return result
end

--- A charge, or a status, without what is private to the provider (`raw`).
function M.charge_members(charge)
  return pick(charge, CHARGE_MEMBERS)
end

--- A status in the reader's language, coloured.
function M.status(ctx, charge)
  local words = ctx.say(charge.status)
  local raw = charge.raw_status and charge.raw_status:lower() ~= charge.status
    and (" (%s)"):format(terminal.printable(charge.raw_status)) or ""
  return ctx.paint(COLOUR_OF[charge.status] or "red", words) .. raw
    .. (charge.late and ", " .. ctx.say("late") or "")
end

--- The error's hint in the reader's language, or nil.
function M.hint(ctx, err)
  return err.hint and text.hint(ctx.language, err, default_hint)
end

local function field_lines(ctx, err, lines)
  local names = {}
  for name in pairs(type(err.fields) == "table" and err.fields or {}) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local said = err.fields[name]
    said = type(said) == "table" and said[1] or said
    if tostring(said) ~= err.message then
      lines[#lines + 1] = ("  %s %s: %s"):format(ctx.say("field"), terminal.printable(name),
        terminal.printable(said))
    end
  end
end

--- The lines that tell an error: what kind, whose words, was it sent, what to do.
function M.error_lines(ctx, err)
  local paint = ctx.paint_error
  local meaning = text.kinds[ctx.language][err.kind] or tostring(err.kind)
  local place = err.provider and ("%s%s: "):format(err.provider,
    err.operation and " " .. err.operation or "") or ""
  local lines = { paint("red", ctx.say("error")) .. ": " .. place .. meaning
    .. (" [%s]"):format(err.kind) }
  if err.message then
    lines[#lines + 1] = "  " .. terminal.printable(err.message)
      .. (err.http_status and (" (HTTP %d)"):format(err.http_status) or "")
  end
  field_lines(ctx, err, lines)
  local sent = err.sent or "no"
  lines[#lines + 1] = ("  sent: %s, %s"):format(sent,
    paint(sent == "maybe" and "yellow" or "dim", ctx.say("sent_" .. sent)))
  if err.id then
    lines[#lines + 1] = "  " .. ctx.say("exists", terminal.printable(err.id))
  end
  if err.hint then
    lines[#lines + 1] = ("  %s: %s"):format(ctx.say("hint"), terminal.printable(M.hint(ctx, err)))
  end
  return lines
end

--- Tells an error.
-- @tparam table ctx
-- @tparam table err
-- @tparam[opt] number status instead of the kind's own
-- @treturn number the exit status
function M.failure(ctx, err, status)
  status = status or exit.of_error(err, ctx.command)
  if ctx.json then
    ctx.print(json.encode({ error = pick(err, ERROR_MEMBERS), exit = status }))
  else
    ctx.note(table.concat(M.error_lines(ctx, err), "\n"))
  end
  return status
end

return M
