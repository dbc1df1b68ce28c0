--- Starts the sandbox's process and talks to it, with nothing but io.popen and files.
--
-- PROTOCOL. In a private directory lies a FIFO. `sh` runs the child with its standard input from
-- us (io.popen "w") and its standard output to the FIFO, which we read: one line of JSON each
-- way. Both ends block, so nothing polls. The shell stays until our end closes: it removes the
-- directory however the child ended, it keeps a dead child from sending us SIGPIPE, and pclose
-- reaps it. When we die, the child reads the end of its input and exits.
local cjson = require("cjson").new()

local M = {}
M.__index = M

local INTERPRETERS = { "luajit", "lua5.1", "lua5.4", "lua5.3", "lua" }

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function script_path()
  local search = package.searchpath
  local path = search and search("pix.sandbox.main", package.path)
  return assert(path, "pix.sandbox.main is not on package.path")
end

local function make_directory()
  local pipe = assert(io.popen('d=$(mktemp -d "${TMPDIR:-/tmp}/pix-sandbox.XXXXXX") && '
    .. '{ umask 077; mkfifo "$d/reply" && printf %s "$d" || rmdir "$d"; }', "r"))
  local path = pipe:read("*a")
  pipe:close()
  if path == "" then
    error("the sandbox cannot make its temporary directory", 0)
  end
  return path
end

-- The interpreter is tried without LUA_PATH and LUA_CPATH first: they are ours, and may name
-- modules of another Lua. Then with the paths on which we find our own modules: lua-http may lie in
-- a tree that no other knows. An LD_PRELOAD (a sanitizer, say) is for us as well.
local function command_line(interpreter, dir, config, environment)
  local redirect = config.log and "" or " 2>" .. quote(dir .. "/stderr")
  local paths = environment == "clean" and "env -u LUA_PATH -u LUA_CPATH "
    or ("env LUA_PATH=%s LUA_CPATH=%s "):format(quote(package.path), quote(package.cpath))
  local signals = "trap '' INT HUP; trap : TERM; " -- told to end, the shell still tidies up
  return signals .. ("unset LD_PRELOAD; %s%s %s %s >%s%s; cat >/dev/null; rm -rf %s"):format(
    paths, quote(interpreter), quote(script_path()), quote(cjson.encode(config)),
    quote(dir .. "/reply"), redirect, quote(dir))
end

local function read_file(path)
  local file = io.open(path, "r")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

-- A signal may interrupt the read of a line; only the end of the file ends it.
local function read_line(file)
  while true do
    local line, why = file:read("*l")
    if line or not why then
      return line
    end
  end
end

-- lua-cjson gives floats on 5.4; what is whole is an integer again.
local function integers(value)
  if type(value) == "number" then
    return math.tointeger and math.tointeger(value) or value
  elseif type(value) == "table" then
    for key, item in pairs(value) do
      value[key] = integers(item)
    end
  end
  return value
end

function M:_read()
  local line = read_line(self._reply)
  if not line then
    return nil, "the sandbox has died. " .. read_file(self._dir .. "/stderr")
  end
  local answer = integers(cjson.decode(line))
  if not answer.ok then
    return nil, answer.error, answer.unfit == false
  end
  return answer.result
end

-- The child and what it says of itself; or nil, why, and whether any other interpreter would fail
-- alike (a port that is taken, an option that does not exist).
local function try(interpreter, environment, config)
  local dir = make_directory()
  config.dir = dir
  local input = assert(io.popen(command_line(interpreter, dir, config, environment), "w"))
  local self = setmetatable({ _dir = dir, _input = input }, M)
  self._reply = assert(io.open(dir .. "/reply", "r"))
  local info, why, final = self:_read()
  if not info then
    self:close()
    return nil, why, final
  end
  return self, info
end

--- Starts the process with the first interpreter that has lua-http.
-- @tparam table config as server.main takes it
-- @tparam string|nil interpreter instead of those that are tried
-- @treturn table|nil the child, or nil and why none could start
-- @treturn table what the sandbox says of itself
function M.start(config, interpreter)
  local failures = {}
  for _, name in ipairs(interpreter and { interpreter } or INTERPRETERS) do
    for _, environment in ipairs({ "clean", "ours" }) do
      local child, info, final = try(name, environment, config)
      if child then
        return child, info
      elseif final then
        return nil, "the sandbox cannot start: " .. info
      end
      failures[#failures + 1] = name .. ": " .. info
    end
  end
  return nil, "the sandbox cannot start (is lua-http installed?)\n" .. table.concat(failures, "\n")
end

--- Runs one command and returns its result, or nil and an error. Blocks, briefly.
function M:call(operation, args)
  args.op = operation
  self._input:write(cjson.encode(args), "\n")
  self._input:flush()
  return self:_read()
end

--- Ends the process and waits until it has gone. Safe twice.
function M:close()
  if self._input then
    local input, reply = self._input, self._reply
    self._input, self._reply = nil, nil
    input:close()
    reply:close()
  end
end

--- Waits until the process has ended, which it does not do by itself.
function M:wait()
  while read_line(self._reply) do end
end

return M
