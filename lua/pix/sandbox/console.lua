--- What `pix sandbox` shows at its start, and the words that can be typed there.
local M = {}

local HELP = "pay, expire, reject, cancel or refund [id or its beginning; else the newest], list, "
  .. "reset, quit"
local VERBS = { pay = true, expire = true, reject = true, cancel = true, refund = true }

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function credentials(info, name)
  local lines = {}
  for i, key in ipairs(sorted_keys(info.credentials[name])) do
    lines[i] = ("          %s = %s"):format(key, info.credentials[name][key])
  end
  return table.concat(lines, "\n")
end

--- Where the sandbox listens and what it accepts.
-- @tparam table info a running sandbox
function M.banner(info)
  local lines = { "A sandbox: it simulates the providers, and no money moves." }
  for _, name in ipairs(sorted_keys(info.url)) do
    lines[#lines + 1] = ("  %-7s %s   %s"):format(name, info.url[name], info.https_url[name])
    lines[#lines + 1] = credentials(info, name)
  end
  lines[#lines + 1] = ("CA for https: %s\nType: %s"):format(info.ca_file, HELP)
  return table.concat(lines, "\n")
end

-- The newest charge whose id begins so, or nil.
local function pick(charges, beginning)
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

local function move(sb, verb, beginning)
  local id = pick(sb.ledger().charges, beginning)
  if not id then
    return "no such charge"
  end
  local ok, result = pcall(sb[verb], id)
  return ok and ("%s %s"):format(result.status, id) or tostring(result):gsub("^[^:]+:%d+: ", "")
end

--- Runs a typed line.
-- @treturn string|nil the answer, nil to quit
function M.run(sb, line)
  local verb, id = line:match("^%s*(%S*)%s*(%S*)")
  if verb == "quit" then
    return nil
  elseif verb == "list" then
    return list(sb.ledger().charges)
  elseif verb == "reset" then
    sb.reset()
    return "forgotten"
  elseif VERBS[verb] then
    return (move(sb, verb, id))
  end
  return HELP
end

--- Runs the lines of a file, with the answers to another.
-- @treturn boolean true after `quit`, false at the end of the file
function M.obey(sb, input, output)
  for line in input:lines() do
    local answer = M.run(sb, line)
    if not answer then
      return true
    end
    output:write(answer, "\n")
  end
  return false
end

return M
