--- From a flow file to what stands in it: a name, and a table of states with their lines. What is
-- wrong with it is found by check.lua and verify.lua; here only what keeps it from being read.
local sandbox = require "pix.flow.sandbox"
local verbs = require "pix.flow.verbs"
local words = require "pix.flow.words"

local M = {}

local LARGEST = 256 * 1024

local State, Flow = {}, {}

--- Is this value a state, as a verb made it?
function M.is_state(value)
  return getmetatable(value) == State
end

--- Is this value a flow, as `flow "name" {…}` made it?
function M.is_flow(value)
  return getmetatable(value) == Flow
end

-- ---- What a flow file may say ----

-- The line in the file from which a word was called; a tail call hides it.
local function calling_line(name)
  for level = 3, 5 do
    local info = debug.getinfo(level, "Sl")
    if not info then return 0 end
    if info.source == "@" .. name and info.currentline > 0 then return info.currentline end
  end
  return 0
end

local function raise(name, line, message)
  error(string.format("%s:%d: %s", name, line, message), 0)
end

local function check_table(given, what, name, line)
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    raise(name, line, string.format("%s is followed by a table {…}", what))
  end
end

local function new_state(verb, given, name, line, title)
  check_table(given, title and string.format("%s %q", verb, title) or verb, name, line)
  return setmetatable({ verb = verb, given = given, line = line, title = title }, State)
end

local function word(verb, name)
  return function(given)
    return new_state(verb, given, name, calling_line(name))
  end
end

-- perform "brew" {…}
local function titled(verb, name)
  return function(title)
    local line = calling_line(name)
    if type(title) ~= "string" or title == "" then
      raise(name, line, string.format("%s is followed by a name: %s \"name\" {…}", verb, verb))
    end
    return function(given)
      return new_state(verb, given, name, line, title)
    end
  end
end

-- flow "name" {…} is a whole flow, flow {…} a state that runs one.
local function flow_word(name)
  return function(given)
    local line = calling_line(name)
    if type(given) == "table" then return new_state("flow", given, name, line) end
    if type(given) ~= "string" or given == "" then
      raise(name, line, "flow is followed by a name and a table: flow \"name\" {…}")
    end
    return function(body)
      check_table(body, string.format("flow %q", given), name, line)
      return setmetatable({ name = given, body = body, line = line }, Flow)
    end
  end
end

local function vocabulary(name)
  local known = {}
  for _, verb in ipairs(verbs.names) do
    known[verb] = verbs[verb].named and titled(verb, name) or word(verb, name)
  end
  known.flow = flow_word(name)
  return known
end

local FORBIDDEN = { "io", "os", "debug", "require", "package", "load", "loadstring", "dofile",
  "loadfile", "coroutine", "collectgarbage", "getmetatable", "setmetatable", "rawget", "rawset",
  "pcall", "xpcall", "print", "_G" }

local function unknown_word(name)
  return function(key)
    local line = calling_line(name)
    for _, forbidden in ipairs(FORBIDDEN) do
      if key == forbidden then
        raise(name, line, string.format("a flow has no %s: it describes, the host does", key))
      end
    end
    raise(name, line, string.format("there is no verb %q%s", tostring(key),
      words.suggest(tostring(key), verbs.names)))
  end
end

-- ---- Reading ----

local function is_text(where)
  return where:find("\n", 1, true) ~= nil or where:find "flow%s*[%[\"']" ~= nil
end

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then
    local reason = tostring(why):gsub("^.*: ", "") -- without the path again
    return nil, ("%s:1: cannot be read: %s"):format(path, reason)
  end
  local text = file:read(LARGEST + 1)
  file:close()
  if not text then return nil, path .. ":1: is empty, or is no file" end
  return text
end

--- The text of a flow.
-- @tparam string where a path, or the text itself
-- @treturn string|nil the text; nil and what is wrong
-- @treturn string the name that messages give it
function M.read(where)
  local text, name = where, "flow"
  if not is_text(where) then
    local why
    text, why = read_file(where)
    if not text then return nil, why end
    name = where
  end
  if #text > LARGEST then return nil, name .. ":1: a flow is 256 KiB of text at most" end
  return text, name
end

local function as_problem(raised)
  local text = type(raised) == "string" and raised or "the flow raised a " .. type(raised)
  return (text:gsub("\n.*", ""):gsub("%c", "?")) -- a compiler quotes what it found
end

--- Runs the text of a flow.
-- @tparam string text
-- @tparam string name of the file, for messages
-- @treturn table|nil { name, body, line, file, text, env }; nil and "file:line: message"
function M.run(text, name)
  local env = sandbox.environment(vocabulary(name), unknown_word(name))
  local chunk, why = sandbox.compile(text, name, env)
  if not chunk then return nil, as_problem(why) end
  local ok, raw = sandbox.call(env, chunk)
  if not ok then
    local message = as_problem(raw)
    if message:sub(1, #name + 1) ~= name .. ":" then message = name .. ":1: " .. message end
    return nil, message
  end
  if not M.is_flow(raw) then
    return nil, name .. ":1: the file ends with: return flow \"name\" {…}"
  end
  raw.file, raw.text, raw.env = name, text, env
  return raw
end

-- ---- Lines of keys ----

--- The line on which a state's key stands: looked for in the text from the state's line on, up to
-- the next state's.
function M.line_of(lines, from, to, key)
  for number = from, math.min(to, #lines) do
    if lines[number]:find("%f[%w_]" .. key .. "%s*=[^=]") then return number end
  end
  return from
end

--- The lines of a text.
function M.lines(text)
  local list = {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    list[#list + 1] = line
  end
  return list
end

return M
