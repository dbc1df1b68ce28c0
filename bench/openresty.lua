-- openresty.lua - checkouts per second in one nginx worker: luapix against cosockets, the same
-- requests on the same static upstream, in interleaved rounds; then what /ping notices of 256
-- checkouts in flight against an upstream that answers after 50 ms. Prints markdown tables.
-- `make bench-openresty` builds what it needs. ROUNDS and SCALE (percent) as for bench/run.
local nginx = require "spec.support.nginx"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local SCALE = (tonumber(os.getenv "SCALE") or 100) / 100
local IN_FLIGHT = { 1, 64, 256 }
local CHECKOUTS = { [1] = 10000, [64] = 40000, [256] = 40000 }
local SLOW_MS = 50

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
  local pipe = assert(io.popen(("build/bench/slow %d %d bench/answers >/dev/null & echo $!"):format(
    port, SLOW_MS)))
  local pid = pipe:read("*n")
  pipe:close()
  return port, pid
end

local function start_worker(upstream, slow)
  return nginx.start {
    path = "?.lua",
    http = ([[
      keepalive_requests 100000000;
      default_type application/json;
      lua_code_cache on;
      init_by_lua_block {
        pix = require "pix"
        cosocket = require "bench.cosocket"
        token = "bench-" .. ("0123456789abcdef"):rep(16)
        local function provider(port)
          return assert(pix.ssg { client_id = "bench", client_secret = "bench-secret",
            device_code = "bench-device", base_url = "http://127.0.0.1:" .. port,
            max_connections = 512 })
        end
        fast, slow = provider(%d), provider(%d)
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
    ]]):format(upstream, slow),
    server = ([[
      location = /luapix { content_by_lua_block { answer(checkout(fast)) } }
      location = /cosocket {
        content_by_lua_block { answer(cosocket.checkout("127.0.0.1", %d, token)) }
      }
      location = /slow-luapix { content_by_lua_block { answer(checkout(slow)) } }
      location = /slow-cosocket {
        content_by_lua_block { answer(cosocket.checkout("127.0.0.1", %d, token)) }
      }
    ]]):format(upstream, slow),
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

local function median(list, field)
  local values = {}
  for _, one in ipairs(list) do values[#values + 1] = one[field] end
  table.sort(values)
  local middle = math.floor(#values / 2)
  if #values % 2 == 1 then return values[middle + 1] end
  return (values[middle] + values[middle + 1]) / 2
end

-- ---- The tables ----

local function rounds(worker)
  local found = {}
  for round = 1, ROUNDS do
    io.stderr:write(("round %d of %d\n"):format(round, ROUNDS))
    for _, n in ipairs(IN_FLIGHT) do
      for _, side in ipairs(round % 2 == 1 and { "cosocket", "luapix" } or { "luapix", "cosocket" })
      do
        local key = n .. side
        found[key] = found[key] or {}
        table.insert(found[key], measure(worker, "/" .. side, n, math.ceil(CHECKOUTS[n] * SCALE)))
      end
    end
  end
  return found
end

local function print_rounds(found)
  print(("one nginx worker, medians of %d interleaved rounds"):format(ROUNDS))
  print()
  print("| in flight | cosockets checkouts/s | luapix checkouts/s | ratio | cosockets CPU µs "
    .. "| luapix CPU µs | cosockets p99 ms | luapix p99 ms |")
  print("|---:|---:|---:|---:|---:|---:|---:|---:|")
  for _, n in ipairs(IN_FLIGHT) do
    local raw, ours = found[n .. "cosocket"], found[n .. "luapix"]
    print(("| %d | %.0f | %.0f | %.2f | %.1f | %.1f | %.2f | %.2f |"):format(n,
      median(raw, "rate"), median(ours, "rate"), median(ours, "rate") / median(raw, "rate"),
      median(raw, "cpu"), median(ours, "cpu"), median(raw, "p99"), median(ours, "p99")))
  end
end

-- /ping once a millisecond or so, while 256 clients buy.
local function ping(worker, path)
  local busy
  if path then
    busy = assert(io.popen(load_command(worker, path,
      "--connections 256 --requests 1000000 --seconds 4")))
    os.execute("sleep 1")
  end
  local one = load(worker, "/ping", "--requests 2000 --pause 1 --seconds 2")
  if busy then
    one.busy = figures(busy:read("*a"))
    busy:close()
  end
  return one
end

local function print_pings(worker)
  print()
  print(("/ping while 256 checkouts are in flight, upstream %d ms"):format(SLOW_MS))
  print()
  print("| | p50 ms | p99 ms | max ms | p50 of a checkout ms |")
  print("|---|---:|---:|---:|---:|")
  for _, path in ipairs { false, "/slow-cosocket", "/slow-luapix" } do
    local list, busy = {}, {}
    for _ = 1, ROUNDS do
      list[#list + 1] = ping(worker, path)
      busy[#busy + 1] = list[#list].busy
    end
    print(("| %s | %.3f | %.3f | %.3f | %s |"):format(path or "idle", median(list, "p50"),
      median(list, "p99"), median(list, "max"), path and median(busy, "p50") or ""))
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
