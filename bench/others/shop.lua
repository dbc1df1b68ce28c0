--- The checkouts of luapix.lua without luapix, over another HTTP client: bench/shop.lua, checked.
local figures = require "bench.figures"
local shop = require "bench.shop"

local TOKEN = "bench-" .. ("0123456789abcdef"):rep(16)

--- Runs them and prints the line of figures.
-- @tparam {string,…} words the command line
-- @tparam function request as the clients of bench/shop.lua have it
-- @tparam function run is given a worker and their number, and returns when all have ended
-- @tparam function clock seconds
return function(words, request, run, clock)
  local options = figures.options(words)
  local host, port = options.url:match("^http://([^:/]+):(%d+)$")
  local this = { client = { request = request }, host = host, port = tonumber(port), token = TOKEN }
  figures.measure(options, function() return shop.checked(this) end, run, clock)
end
