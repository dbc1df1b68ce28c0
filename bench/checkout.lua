-- bench/checkout.lua - what the journal costs a checkout: `make bench-checkout`. ROUNDS and ORDERS
-- make it longer or shorter. Markdown tables:
--
-- 1. charges per second through pix.checkout, 64 in flight, without a journal, with SQLite (WAL,
--    synchronous=FULL) and with PostgreSQL (fsync on), in interleaved rounds: medians and ratios.
--    The provider is bench/slow.c, once answering at once, once after 50 ms as a real one does.
-- 2. looks per minute of 1,000 waiting charges of each provider, by a virtual clock.
-- 3. the journal's size per charge.
local median = require "bench.median"
local pix = require "pix"
local core = require "pix.core"
local postgres = require "spec.support.postgres"
local shops = require "spec.support.shop"

local FLIGHT = 64
local ROUNDS = tonumber(os.getenv "ROUNDS" or 5)
local ORDERS = tonumber(os.getenv "ORDERS" or 6400)
local WAITING = 1000
local FILE = "build/bench/checkout.db"
local ENDINGS = { "", "-wal", "-shm" }

local function remove_file()
  for _, ending in ipairs(ENDINGS) do
    os.remove(FILE .. ending)
  end
end

-- ---- The provider ----

local function free_port()
  local socket = require "cqueues.socket"
  local listening = socket.listen("127.0.0.1", 0)
  listening:listen()
  local port = select(3, listening:localname())
  listening:close()
  return port
end

local function start_provider(milliseconds)
  local port = free_port()
  local pipe = assert(io.popen(("echo $$; exec build/bench/slow %d %d bench/answers"):format(port,
    milliseconds)))
  local pid = pipe:read("*l")
  local provider = assert(pix.ssg { client_id = "bench", client_secret = "bench-secret",
    device_code = "bench-device", base_url = "http://127.0.0.1:" .. port,
    max_connections = FLIGHT })
  while not provider:check() do
    os.execute("sleep 0.05")
  end
  return provider, function()
    os.execute("kill " .. pid)
    pipe:close()
  end
end

-- ---- 1. Charges per second ----

local serial = 0

local function charge_all(shop, orders)
  local started = 0
  local function work()
    while started < orders do
      started, serial = started + 1, serial + 1
      assert(shop:charge { amount = 1990, reference = "bench-" .. serial })
    end
    return true
  end
  local began, cpu = core.reactor():now(), os.clock()
  pix.run(function()
    local tasks = {}
    for i = 1, FLIGHT do
      tasks[i] = work
    end
    assert(select(2, pix.all(tasks)) == nil)
  end)
  return orders / (core.reactor():now() - began), (os.clock() - cpu) / orders * 1e6
end

local function open(provider, where)
  return assert(pix.checkout { provider, journal = where, on_event = function() end })
end

local ROWS = { "none", "sqlite", "postgres" }

-- One journal's figures of one round.
local function measure(name, provider, server, orders)
  if name == "sqlite" then remove_file() end
  local where = name == "sqlite" and FILE or name == "postgres" and server:fresh() or false
  local shop = open(provider, where)
  local commits, transactions
  if where then
    charge_all(shop, FLIGHT) -- the schema, the connections
    commits, transactions = shop._store:counts()
  end
  local rate, cpu = charge_all(shop, orders)
  local share
  if where then
    local after, all = shop._store:counts()
    share = (all - transactions) / (after - commits)
  end
  shop:close()
  return rate, cpu, share
end

local function compare(server, milliseconds)
  local provider, stop = start_provider(milliseconds)
  local figures = {}
  for _, name in ipairs(ROWS) do
    figures[name] = { rate = {}, cpu = {}, share = {} }
  end
  charge_all(open(provider, false), ORDERS) -- warm
  for round = 1, ROUNDS do
    for _, name in ipairs(ROWS) do
      local one = figures[name]
      one.rate[round], one.cpu[round], one.share[round] = measure(name, provider, server, ORDERS)
    end
  end
  stop()
  local base = median(figures.none.rate)
  print(("\nAnswers after %d ms, %d in flight, %s:\n"):format(milliseconds, FLIGHT, _VERSION))
  print "| journal | charges/s | ratio | CPU µs per charge | transactions per commit |"
  print "|---|---|---|---|---|"
  for _, name in ipairs(ROWS) do
    local one = figures[name]
    local rate = median(one.rate)
    print(("| %s | %.0f | %.2f | %.0f | %s |"):format(name, rate, rate / base, median(one.cpu),
      #one.share > 0 and ("%.1f"):format(median(one.share)) or ""))
  end
end

-- ---- 2. Looks per minute ----

local function looks(name)
  local s = shops.new()
  local shop = s:open { name, expires_in = 86400 }
  for i = 1, WAITING do
    assert(shop:charge(shops.order("wait-" .. i, { amount = 1000 + i })))
  end
  local began, minutes = s.t:now(), 10
  pix.run(function() shop:watch { ["for"] = minutes * 60 } end)
  local counts = {}
  for minute = 1, minutes do
    counts[minute] = 0
  end
  for _, operation in ipairs { "status", "search" } do
    for _, request in ipairs(s.t:requests(name, operation)) do
      local minute = math.floor((request.at - began) / 60) + 1
      if counts[minute] then counts[minute] = counts[minute] + 1 end
    end
  end
  local sum = 0
  for _, count in ipairs(counts) do
    sum = sum + count
  end
  table.sort(counts)
  s:stop()
  return sum / minutes, counts[minutes], WAITING * minutes / sum
end

local function watcher()
  print(("\n%d waiting charges at each provider, 10 minutes:\n"):format(WAITING))
  print "| provider | requests a minute | most in one | a charge is looked at |"
  print "|---|---|---|---|"
  for _, name in ipairs { "ssg", "payzu", "detseg" } do
    local mean, most, every = looks(name)
    print(("| %s | %.1f | %d | %s |"):format(name, mean, most, name == "detseg"
      and ("by each of the %.0f lists"):format(mean * 10) or ("every %.0f min"):format(every)))
  end
end

-- ---- 3. Size ----

local function sqlite_bytes(store)
  local rows = assert(store:_submit { { sql = "PRAGMA page_count", n = 0 } })
  return rows[1][1].page_count * 4096
end

local function postgres_bytes(server, schema)
  server:sql("VACUUM FULL")
  return tonumber(server:sql(([[SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = '%s'::regnamespace]]):format(schema)))
end

local function size_of(provider, where, bytes)
  local shop, orders = open(provider, where), 2000
  charge_all(shop, FLIGHT)
  local before = bytes(shop._store)
  charge_all(shop, orders)
  local size = (bytes(shop._store) - before) / orders
  shop:close()
  return size
end

local function sizes(server)
  local provider, stop = start_provider(0)
  remove_file()
  local url, schema = server:fresh()
  print(("\nBytes per waiting charge: SQLite %.0f, PostgreSQL %.0f (events acknowledged)"):format(
    size_of(provider, FILE, sqlite_bytes),
    size_of(provider, url, function() return postgres_bytes(server, schema) end)))
  stop()
end

local server = postgres.start { durable = true }
compare(server, 0)
compare(server, 50)
watcher()
sizes(server)
server:close()
remove_file()
