-- output.lua - how a suite reports: a dot per ten tests that passed, each failure in full with its
-- file and line, and last a line of its own, "N passed, N failed". A pending test counts as a
-- failure: the suite has none, so one that appears was forgotten.

local function say(...) io.write(...) end

local function text_of(message)
  if type(message) == "string" then return message end
  if message == nil then return "no message" end
  return require("pl.pretty").write(message)
end

local function show(kind, entry, verbose)
  local trace = entry.element.trace or entry.trace or {}
  say("\n", kind, ": ", entry.name or "?", "\n  ", tostring(trace.short_src), ":",
    tostring(trace.currentline), "\n  ", (text_of(entry.message):gsub("\n", "\n  ")), "\n")
  if verbose and entry.trace and entry.trace.traceback then
    say("  ", (entry.trace.traceback:gsub("\n", "\n  ")), "\n")
  end
end

local function show_all(kind, entries, verbose)
  for _, entry in ipairs(entries) do show(kind, entry, verbose) end
end

return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local seen = 0

  handler.testEnd = function()
    seen = seen + 1
    if seen % 10 == 0 then say(".") io.flush() end
    return nil, true
  end

  handler.suiteEnd = function()
    say("\n")
    show_all("PENDING", handler.pendings, options.verbose)
    show_all("FAILED", handler.failures, options.verbose)
    show_all("ERROR", handler.errors, options.verbose)
    local bad = handler.failuresCount + handler.errorsCount + handler.pendingsCount
    say(string.format("%d passed, %d failed\n", handler.successesCount, bad))
    io.flush()
    return nil, true
  end

  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  return handler
end
