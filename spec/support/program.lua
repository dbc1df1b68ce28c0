--- Runs programs of this tree as a user would: another process, its output and its exit status.
local M = {}

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end
M.quote = quote

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end
M.read = read

--- The lines that a sh command writes.
function M.lines_of(command)
  local list = {}
  for line in output_of(command):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

--- Is there a file, or a folder, of this name?
function M.exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- The tree's root, absolute.
M.root = output_of("pwd"):gsub("\n$", "")

--- The interpreter that runs this spec.
function M.interpreter()
  local at = 0
  while arg[at - 1] do
    at = at - 1
  end
  return arg[at]
end

--- A new private folder; remove it with M.remove.
function M.folder()
  return (output_of("mktemp -d"):gsub("\n$", ""))
end

function M.remove(folder)
  assert(folder:match("^/.+/.+"))
  os.execute("rm -rf " .. quote(folder))
end

-- Variables that a developer may have set and that would lead elsewhere.
local OURS = { "PIX_PROVIDER", "PIX_CA_FILE", "PIX_PROXY", "PIX_SANDBOX", "LANG", "LC_ALL",
  "LC_MESSAGES", "LC_CTYPE", "NO_COLOR", "COLUMNS", "LINES", "PIX_CARD_NUMBER", "PIX_CARD_CVV",
  "PIX_CARD_EXPIRY", "PIX_CARD_HOLDER", "PAYZU_PLAN", "PIX_LUA" }

local function environment(given)
  local parts = { "env" }
  for _, name in ipairs(OURS) do
    parts[#parts + 1] = "-u " .. name
  end
  local account = require("pix.cli.account")
  for _, row in pairs(account.rows) do
    for _, options in ipairs({ row.required, row.optional, { "base_url" } }) do
      for _, option in ipairs(options) do
        parts[#parts + 1] = "-u " .. row.prefix .. option:upper()
      end
    end
  end
  for name, value in pairs(given or {}) do
    parts[#parts + 1] = name .. "=" .. quote(value)
  end
  return table.concat(parts, " ")
end

--- The sh command that runs a program in a folder with an environment.
-- @tparam {string,…} words program and arguments
-- @tparam table options env, folder
function M.command(words, options)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = quote(word)
  end
  return ("cd %s && exec %s %s"):format(quote(options.folder or "/"), environment(options.env),
    table.concat(quoted, " "))
end

--- Runs a program to its end.
-- @treturn table { status, out, err }
function M.run(words, options)
  local folder = M.folder()
  local input = folder .. "/in"
  local file = assert(io.open(input, "wb"))
  file:write(options.input or "")
  file:close()
  local status = output_of(("(%s) <%s >%s/out 2>%s/err; echo $?"):format(
    M.command(words, options), input, folder, folder))
  local result = { status = tonumber(status), out = read(folder .. "/out"),
    err = read(folder .. "/err") }
  M.remove(folder)
  return result
end

--- Starts a program on a terminal of its own (script, of util-linux).
-- What is typed when it has ended already is for nobody, and harms nobody.
-- @treturn table type(text), expect(words) → what was shown so far, finish() → { status, out }
function M.terminal(words, options)
  local folder = M.folder()
  local shown = folder .. "/shown"
  local size = ("stty cols %d rows %d; "):format(options.columns or 80, options.rows or 24)
  local inner = size .. M.command(words, options)
  local input = assert(io.popen(("script -qfec %s %s >/dev/null 2>&1; "
    .. "echo $? >%s/status; cat >/dev/null"):format(quote(inner), shown, folder), "w"))
  local self = {}

  function self.type(text)
    input:write(text)
    input:flush()
  end

  -- Looks again and again until the words are there; two minutes are for slow machines only.
  function self.expect(text)
    for _ = 1, 2400 do
      local file = io.open(shown, "rb")
      local so_far = file and file:read("*a") or ""
      if file then file:close() end
      if so_far:find(text, 1, true) then return so_far end
      os.execute("sleep 0.05")
    end
    error(("%q was not shown, but:\n%s"):format(text, read(shown)), 2)
  end

  function self.finish()
    input:close()
    local result = { status = tonumber(read(folder .. "/status")), out = read(shown) }
    M.remove(folder)
    return result
  end

  return self
end

return M
