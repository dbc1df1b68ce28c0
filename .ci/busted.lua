-- Busted's command line, found as a module: its program may be a shell script or a Lua file,
-- and names an interpreter of its own.
require "busted.runner" { standalone = false }
