--- One line a request, for eyes: when, what, the answer, the amount and the charge.
-- Colour only on a terminal, and not if NO_COLOR is set (or TERM is dumb).
local brcode = require("pix.sandbox.brcode")

local M = {}

local COLOURS = { dim = "2", good = "32", bad = "31", odd = "33", name = "36" }

--- Is the log to be written in colour? `forced` decides, where it is not nil.
-- @tparam boolean|nil forced
-- @tparam function is_terminal does standard error go to a terminal?
-- @tparam function getenv as os.getenv
function M.wants_colour(forced, is_terminal, getenv)
  if forced ~= nil then
    return forced
  elseif (getenv("NO_COLOR") or "") ~= "" or getenv("TERM") == "dumb" then
    return false
  end
  return is_terminal()
end

--- A function that paints text, or leaves it as it is.
function M.painter(colour)
  return function(name, text)
    return colour and ("\27[%sm%s\27[0m"):format(COLOURS[name], text) or text
  end
end

--- Is it text without control characters? Everything that a client chose passes here.
local function printable(text)
  return (tostring(text):gsub("%c", "?"))
end

--- @tparam table entry time (text), request, path (as it may be printed), reply, fault, charge (the
-- last two may be nil), milliseconds
-- @tparam function paint from painter()
function M.line(entry, paint)
  local request, reply, charge = entry.request, entry.reply, entry.charge
  local status = reply.status
  local parts = {
    paint("dim", entry.time),
    paint("name", ("%-6s %-9s"):format(request.provider or "-", request.operation or "-")),
    ("%-6s %s"):format(request.method, printable(entry.path)),
    paint(status < 300 and "good" or status < 500 and "odd" or "bad", ("→ %d"):format(status)),
  }
  if charge then
    local reais = brcode.reais(charge.amount):gsub("%.", ",")
    parts[#parts + 1] = ("R$ %s  %s  %s"):format(reais, charge.status, charge.id)
  end
  if entry.fault then
    parts[#parts + 1] = paint("odd", ("fault: %s"):format(entry.fault.kind))
  end
  parts[#parts + 1] = paint("dim", ("%.1f ms"):format(entry.milliseconds))
  return table.concat(parts, "  ")
end

return M
