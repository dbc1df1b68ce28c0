-- openresty.lua - checkouts per second in one nginx worker: luapix against an HTTP client for
-- OpenResty, the same requests on the same static upstream, in interleaved rounds; then what /ping
-- notices of 256 checkouts in flight against an upstream that answers after 50 ms, and of as many
-- requests that only sleep. Prints markdown tables. `make bench-openresty` builds what it needs.
-- ROUNDS and SCALE (percent) as for bench/run. RESTY_HTTP names the folder that holds
-- lua-resty-http's resty/http.lua, which no package brings; without it bench/cosocket.lua, which
-- does less, stands in.
local median = require "bench.median"
local nginx = require "spec.support.nginx"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local SCALE = (tonumber(os.getenv "SCALE") or 100) / 100
local IN_FLIGHT = { 1, 64, 256 }
local CHECKOUTS = { [1] = 10000, [64] = 40000, [256] = 40000 }
local SLOW_MS = 50
local RATE = 2700 -- checkouts a second, each of two requests: 270 in flight, and more if they wait
local RESTY = os.getenv "RESTY_HTTP"
local CLIENT = RESTY and "lua-resty-http" or "cosockets by hand"
local SIDES = { "bare", "checked", "luapix" }

local function read(name)
  local file = assert(io.open(name))
  local text = file:read("*a")
  file:close()
  return text
end

-- ---- Servers ----

local function start_upstream()
  local answers = {}
  for _, name in ipairs { "token", "create", "status" } do
    answers[name] = read("bench/answers/" .. name .. ".json"):gsub("%s+$", "")
  end
  return nginx.start {
    http = "keepalive_requests 100000000; default_type application/json;",
    server = ([[
      location = /oauth/token { return 200 '%s'; }
      location = /api/qrcode/new { return 201 '%s'; }
      location /api/qrcode/ { return 200 '%s'; }
    ]]):format(answers.token, answers.create, answers.status),
  }
end

local function start_slow()
  local port = nginx.free_port()
  local pipe = assert(io.popen(("build/bench/slow %d %d bench/answers exact >/dev/null & echo $!")
    :format(port, SLOW_MS)))
  local pid = pipe:read("*n")
  pipe:close()
  return port, pid
end

local function start_worker(upstream, slow)
  return nginx.start {
    path = "?.lua" .. (RESTY and ";" .. RESTY .. "/?.lua" or ""),
    http = ([[
      keepalive_requests 100000000;
      default_type application/json;
      lua_code_cache on;
      init_by_lua_block {
        pix = require "pix"
        shop = require "bench.shop"
        client = require "bench.%s"
        local function provider(port)
          return assert(pix.ssg { client_id = "bench", client_secret = "bench-secret",
            device_code = "bench-device", base_url = "http://127.0.0.1:" .. port,
            max_connections = 512 })
        end
        local function shop_at(port)
          return { client = client, host = "127.0.0.1", port = port,
            token = "bench-" .. ("0123456789abcdef"):rep(16) }
        end
        fast, slow = provider(%d), provider(%d)
        fast_shop, slow_shop = shop_at(%d), shop_at(%d)
        function answer(status, err)
          if not status then ngx.status = 500 end
          local text = status or tostring(err)
          ngx.header.content_length = #text
          ngx.print(text)
        end
        function checkout(ssg)
          local charge, err = ssg:charge { amount = 1990 }
          if not charge then return nil, err end
          local heard
          heard, err = ssg:status(charge)
          return heard and heard.raw_status, err
        end
      }
    ]]):format(RESTY and "resty" or "cosocket", upstream, slow, upstream, slow),
    server = [[
      location = /luapix { content_by_lua_block { answer(checkout(fast)) } }
      location = /bare { content_by_lua_block { answer(shop.bare(fast_shop)) } }
      location = /checked { content_by_lua_block { answer(shop.checked(fast_shop)) } }
      location = /slow-nothing { content_by_lua_block { ngx.sleep(0.1) answer "PENDING" } }
      location = /slow-luapix { content_by_lua_block { answer(checkout(slow)) } }
      location = /slow-checked { content_by_lua_block { answer(shop.checked(slow_shop)) } }
    ]],
  }
end

-- ---- Measuring ----

local function cpu_seconds(pid)
  local fields, n = {}, 0
  for field in read("/proc/" .. pid .. "/stat"):match("%) (.*)"):gmatch("%S+") do
    n = n + 1
    fields[n] = field
  end
  return (fields[12] + fields[13]) / 100
end

local function figures(line)
  local one = {}
  for name, value in line:gmatch("(%w+)=([%d.]+)") do one[name] = tonumber(value) end
  assert(one.failed == 0, "bench/load: " .. line)
  return one
end

local function load_command(worker, path, options)
  return ("build/bench/load --port %d --path %s %s"):format(worker.port, path, options)
end

local function load(worker, path, options)
  local pipe = assert(io.popen(load_command(worker, path, options)))
  local line = pipe:read("*a")
  pipe:close()
  return figures(line)
end

local function measure(worker, path, in_flight, checkouts)
  local pid = worker:workers()[1]
  local before = cpu_seconds(pid)
  local one = load(worker, path, ("--connections %d --requests %d"):format(in_flight, checkouts))
  one.rate = one.requests / one.seconds
  one.cpu = (cpu_seconds(pid) - before) / one.requests * 1e6
  return one
end

-- ---- The tables ----

-- Each side begins in turn, so that none always follows the same one.
local function rounds(worker)
  local found = {}
  for round = 1, ROUNDS do
    io.stderr:write(("round %d of %d\n"):format(round, ROUNDS))
    for _, n in ipairs(IN_FLIGHT) do
      for i = 1, #SIDES do
        local side = SIDES[(round + i) % #SIDES + 1]
        local key = n .. side
        found[key] = found[key] or {}
        table.insert(found[key], measure(worker, "/" .. side, n, math.ceil(CHECKOUTS[n] * SCALE)))
      end
    end
  end
  return found
end

local TITLES = {
  bare = CLIENT .. ", unchecked", checked = CLIENT .. ", checked", luapix = "luapix",
}

-- The ratio is of rates within one round: a slow minute of the machine falls on both.
local function ratio(found, n, side)
  local ratios = {}
  for round, one in ipairs(found[n .. side]) do
    ratios[round] = found[n .. "luapix"][round].rate / one.rate
  end
  return median(ratios)
end

local function print_rounds(found)
  print(("one nginx worker, medians of %d interleaved rounds"):format(ROUNDS))
  print()
  print("| in flight | | checkouts/s | luapix's rate to it | CPU µs | p50 ms | p99 ms |")
  print("|---:|---|---:|---:|---:|---:|---:|")
  for _, n in ipairs(IN_FLIGHT) do
    for _, side in ipairs(SIDES) do
      local list = found[n .. side]
      print(("| %d | %s | %.0f | %.2f | %.1f | %.2f | %.2f |"):format(n, TITLES[side],
        median(list, "rate"), ratio(found, n, side), median(list, "cpu"), median(list, "p50"),
        median(list, "p99")))
    end
  end
end

-- /ping, a millisecond after the last, while others buy. They begin evenly: see bench/load.c.
local function ping(worker, path)
  local busy
  if path then
    busy = assert(io.popen(load_command(worker, path,
      ("--connections 512 --requests 1000000 --seconds 4 --rate %d"):format(RATE))))
    os.execute("sleep 1")
  end
  local one = load(worker, "/ping", "--requests 2000 --pause 1 --seconds 2 --realtime 20")
  if busy then
    one.busy = figures(busy:read("*a"))
    busy:close()
  end
  return one
end

local PINGS = {
  { title = "idle" },
  { title = "ngx.sleep(0.1), nothing else", path = "/slow-nothing" },
  { title = CLIENT .. ", checked", path = "/slow-checked" },
  { title = "luapix", path = "/slow-luapix" },
}

local function measure_pings(worker)
  for round = 1, ROUNDS do
    io.stderr:write(("round %d of %d, /ping\n"):format(round, ROUNDS))
    for _, row in ipairs(PINGS) do
      row[round] = ping(worker, row.path)
      row[round].to_idle = row[round].p99 / PINGS[1][round].p99
    end
  end
end

local function busy_figures(row)
  local list = {}
  for round, one in ipairs(row) do list[round] = one.busy end
  if #list == 0 then return "0 | " end
  local least = math.huge
  for _, one in ipairs(list) do least = math.min(least, one.least) end
  return ("%d | %.1f"):format(least, median(list, "p50"))
end

local function print_pings(worker)
  measure_pings(worker)
  print()
  print(("/ping while %d checkouts a second begin, upstream %d ms, medians of %d rounds"):format(
    RATE, SLOW_MS, ROUNDS))
  print()
  print("| | p50 ms | p99 ms | to idle | max ms | in flight at least | p50 of a checkout ms |")
  print("|---|---:|---:|---:|---:|---:|---:|")
  for _, row in ipairs(PINGS) do
    print(("| %s | %.3f | %.3f | %.2f | %.3f | %s |"):format(row.title, median(row, "p50"),
      median(row, "p99"), median(row, "to_idle"), median(row, "max"), busy_figures(row)))
  end
end

local upstream = start_upstream()
local slow_port, slow_pid = start_slow()
local worker = start_worker(upstream.port, slow_port)
local ok, err = xpcall(function()
  print_rounds(rounds(worker))
  print_pings(worker)
end, debug.traceback)
worker:stop()
upstream:stop()
os.execute("kill " .. slow_pid)
if not ok then error(err, 0) end
