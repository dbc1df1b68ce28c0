-- Busted's command line, found as a module: its program may be a shell script or a Lua file,
-- and names an interpreter of its own.

-- Busted forgets modules between files, and cqueues can be loaded only once in a state.
pcall(require, "cqueues.socket")

require "busted.runner" { standalone = false }
