--- What `pix sandbox` shows at its start, and the words that can be typed there.
local cqueues = require("cqueues")
local control = require("pix.sandbox.control")

local M = {}

local HELP = "pay, expire, reject, cancel, refund [id or its beginning; else the newest], list, "
  .. "reset, quit"
local VERBS = { pay = true, expire = true, reject = true, cancel = true, refund = true }

--- The newest charge whose id begins so, or nil.
function M.pick(charges, beginning)
  for i = #charges, 1, -1 do
    if charges[i].id:sub(1, #beginning) == beginning then
      return charges[i].id
    end
  end
  return nil
end

local function list(charges)
  local lines = {}
  for i, charge in ipairs(charges) do
    lines[i] = ("%-9s %-7s %10d  %s"):format(charge.status, charge.provider, charge.amount,
      charge.id)
  end
  return #lines > 0 and table.concat(lines, "\n") or "no charges yet"
end

--- Runs a typed line.
-- @treturn string|nil the answer, nil to quit
function M.run(server, line)
  local verb, id = line:match("^%s*(%S*)%s*(%S*)")
  local charges = server.app.ledger:charges()
  if verb == "quit" then
    return nil
  elseif verb == "list" then
    return list(charges)
  elseif not VERBS[verb] and verb ~= "reset" then
    return verb == "" and "" or HELP
  end
  local answer = control(server, { op = verb, id = M.pick(charges, id) or id })
  return answer.ok and (answer.result.id or "done") .. " " .. (answer.result.status or "")
    or answer.error
end

local function banner(info)
  local lines = { "The sandbox simulates three providers; no money moves. Base URLs:" }
  for _, name in ipairs({ "detseg", "ssg", "payzu" }) do
    lines[#lines + 1] = ("  %-7s %s  %s"):format(name, info.url[name], info.https_url[name])
    for key, value in pairs(info.credentials[name]) do
      lines[#lines + 1] = ("          %s = %s"):format(key, value)
    end
  end
  lines[#lines + 1] = ("CA for https: %s\nType: %s"):format(info.ca_file, HELP)
  return table.concat(lines, "\n")
end

local function read_lines(server, finish)
  while true do
    cqueues.poll({ pollfd = 0, events = "r" })
    local line = io.stdin:read("*l")
    if not line then
      return
    end
    local answer = M.run(server, line)
    if not answer then
      finish()
    end
    io.stderr:write(answer, "\n")
  end
end

--- Shows the banner and obeys what is typed; `finish` ends the process.
function M.start(server, info, finish)
  io.stderr:write(banner(info), "\n")
  server.cq:wrap(function()
    -- standard input may be a file or /dev/null, on which nobody can wait: then nothing is typed
    pcall(read_lines, server, finish)
  end)
end

return M
