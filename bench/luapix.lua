-- luapix.lua - the same checkouts as bench/limit.c through the public API: a charge and a look at
-- its status, each decoded, its code verified. Prints the same line of figures.
--
-- usage: luapix.lua --url URL [--inflight N] [--checkouts N] [--http2] [--ca FILE]

local pix = require "pix"
local core = require "pix.core"
local figures = require "bench.figures"

local options = figures.options(arg)
local ssg = assert(pix.ssg {
  client_id = "bench",
  client_secret = "bench-secret",
  device_code = "bench-device",
  base_url = options.url,
  ca_file = options.ca,
  max_connections = options.inflight,
})

local function checkout()
  local charge, err = ssg:charge { amount = 1990 }
  if not charge then return nil, err end
  return ssg:status(charge)
end

local function run(worker, workers)
  pix.run(function()
    for _ = 1, workers do pix.spawn(worker) end
  end)
end

figures.measure(options, checkout, run, function() return core.reactor():now() end)
