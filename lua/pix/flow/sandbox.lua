--- Where the Lua of a flow file runs: no files, no processes, no debug, no require, no bytecode,
-- and only so many steps and so much memory.
--
-- DESIGN: the text is compiled into an environment of its own, with the pure part of Lua's
-- libraries. A count hook counts steps and looks at the memory. On LuaJIT hooks do not fire in
-- compiled traces, so the compiler is off for the chunk and all functions in it. Methods of strings
-- come from a metatable that all Lua code shares: while a flow's code runs, that leads to the
-- environment's own string functions. Nothing here yields, so the exchange is never seen by others.
local M = {}

local STEP = 10 -- instructions between two looks; few, for memory may double in three
local MOST_STEPS = 1000000
local MOST_MEMORY = 16 * 1024 -- KiB that one call may add
local LONGEST_TEXT = 64 * 1024
local MOST_MATCH_STEPS = 1e7 -- of one match, by its worst case

local unpack = table.unpack or unpack
local strings = getmetatable ""
local gsub = string.gsub

-- A match is one step to the hook, but goes back over the text for each repetition in its pattern,
-- and begins anew at each byte. No methods here: those of strings are the flow's own now.
local function match_steps(text, pattern)
  local bare = gsub(gsub(pattern, "%%.", "x"), "%[%^?%]?[^%]]*%]", "x")
  local _, repetitions = gsub(bare, "[*+?-]", "")
  return (#text + 1) ^ (repetitions + 1)
end

local function limited(name, f)
  return function(text, pattern, ...)
    if type(text) == "number" then text = tostring(text) end
    if type(pattern) == "number" then pattern = tostring(pattern) end
    if type(text) == "string" and #text > LONGEST_TEXT then
      error("string." .. name .. ": the text is too long for a flow", 2)
    end
    if type(text) == "string" and type(pattern) == "string"
      and match_steps(text, pattern) > MOST_MATCH_STEPS then
      error("string." .. name .. ": this pattern repeats too much for so long a text", 2)
    end
    return f(text, pattern, ...)
  end
end

local function repeated(text, count, separator)
  local length = (#tostring(text) + #(separator or "")) * (tonumber(count) or 0)
  if length > LONGEST_TEXT then error("string.rep: the result is too long for a flow", 2) end
  return string.rep(text, count, separator)
end

local function pick(from, names)
  local copy = {}
  for name in names:gmatch "%S+" do
    copy[name] = from[name]
  end
  return copy
end

local function safe_strings()
  local copy = pick(string, "byte char format len lower reverse sub upper")
  for _, name in ipairs { "find", "match", "gmatch", "gsub" } do
    copy[name] = limited(name, string[name])
  end
  copy.rep = repeated
  return copy
end

--- A new environment: the pure part of Lua.
-- @tparam table words what the language adds
-- @tparam function unknown (name) raises for a name that is not there
function M.environment(words, unknown)
  local env = pick(_G, "assert error ipairs next pairs select tonumber tostring type")
  env.math = pick(math, "abs ceil floor fmod huge max min modf tointeger type")
  env.table = pick(table, "concat insert remove sort")
  env.string = safe_strings()
  env.table.unpack, env.unpack = unpack, unpack
  for name, word in pairs(words) do
    env[name] = word
  end
  return setmetatable(env, {
    __index = function(_, name) return unknown(name) end,
    __metatable = false,
  })
end

-- LuaJIT does not count in compiled code.
local function interpret(chunk)
  if rawget(_G, "jit") then jit.off(chunk, true) end
  return chunk
end

--- Compiles a text.
-- @treturn function|nil nil and the compiler's words
function M.compile(text, name, env)
  if text:byte(1) == 27 then
    return nil, name .. ":1: this is bytecode; a flow is text"
  end
  text = text:gsub("^\239\187\191", "")
  local chunk, why = load(text, "@" .. name, "t", env)
  if not chunk then return nil, why end
  return interpret(chunk)
end

-- Raises once at most, and only while it is armed: never in our own code after the flow's.
local function watcher(guard)
  local steps, before = 0, collectgarbage "count"
  return function()
    steps = steps + STEP
    if not guard.armed then return end
    local message = steps > MOST_STEPS and "the flow's code runs for too long"
      or collectgarbage "count" - before > MOST_MEMORY and "the flow's code takes too much memory"
    if message then
      guard.armed = false
      error(message, 2)
    end
  end
end

-- Results, when the guard stands down.
local function disarmed(guard, ...)
  guard.armed = false
  return ...
end

-- Calls f with a hook of ours. One that a C program has set cannot be put back from Lua: then f
-- runs in a coroutine, which in Lua 5.4 has its own. LuaJIT has one for all, and that one is lost.
local function with_hook(watch, f, ...)
  local hook, mask, count = debug.gethook()
  if type(hook) == "string" then
    local co = coroutine.create(f)
    debug.sethook(co, watch, "", STEP)
    local _, ok, result = coroutine.resume(co, ...)
    debug.sethook(co)
    return ok, result
  end
  debug.sethook(watch, "", STEP)
  local ok, result = f(...)
  debug.sethook(hook, mask, count)
  return ok, result
end

--- Calls a function of a flow within the limits. Never yields.
-- @tparam table env the environment it was compiled in
-- @tparam function f
-- @treturn boolean true and the result, or false and what was raised
function M.call(env, f, ...)
  local guard, methods = { armed = true }, strings.__index
  strings.__index = env.string
  local ok, result = with_hook(watcher(guard), function(...)
    return xpcall(function(...) return disarmed(guard, f(...)) end,
      function(raised) return disarmed(guard, raised) end, ...)
  end, ...)
  strings.__index = methods
  return ok, result
end

return M
