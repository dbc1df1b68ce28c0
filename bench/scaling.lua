-- bench/scaling.lua - how luapix behaves from one kiosk to a million charges a day: the figures of
-- docs/SCALING.md. `make bench-scaling`; MINUTES=10 CHARGES=20 makes it shorter.
--
-- A simulation: checkout, watcher and codec are the real ones; clock and transport are those of
-- pix.testing, so that a run counts the same requests on every machine. One process, one provider.
-- Charges come by chance, at the busiest hour's rate. A payer takes LEAST seconds and some more, by
-- chance; one of ten never pays. Then: what a charge weighs in SQLite and PostgreSQL, from a server
-- of its own. Last, by arithmetic from both: a million charges a day.
local core = require "pix.core"
local pix = require "pix"
local postgres = require "spec.support.postgres"
local shops = require "spec.support.shop"

local MINUTES = tonumber(os.getenv "MINUTES" or 20)
local CHARGES = tonumber(os.getenv "CHARGES" or 200) -- at least
local PEAK = 3 -- the busiest hour's rate over the day's mean
local LEAST, MEAN, NEVER = 10, 45, 0.1 -- seconds, seconds, share
local EXPIRES = 900
local SECRET = "webhook secret"

-- ---- Chance that is the same everywhere: Park and Miller's generator ----

local seed

local function random()
  seed = seed * 16807 % 2147483647
  return seed / 2147483647
end

local function exponential(mean)
  return -mean * math.log(1 - random())
end

-- ---- One process ----

local function percentile(list, share)
  table.sort(list)
  return list[math.max(1, math.ceil(share * #list))] or 0
end

local Run = {}
Run.__index = Run

local function new_run(provider, options)
  local self = setmetatable({ paid_at = {}, delays = {}, made = 0, paid = 0, bytes = 0, asked = {},
    provider = provider, webhooks = options.webhooks, s = shops.new() }, Run)
  self.s:open { provider, expires_in = EXPIRES, budget = { [provider] = options.budget },
    log = function() end,
    on_event = function(event)
      local at = self.paid_at[event.reference]
      if (event.type ~= "charge.paid" and event.type ~= "charge.late") or not at then return end
      self.delays[#self.delays + 1] = core.reactor():now() - at
    end }
  return self
end

-- What left and what came: lines and bodies, without TLS and HTTP/2's own.
function Run:count()
  self.requests = #self.s.t:requests()
  for _, request in ipairs(self.s.t:requests()) do
    self.asked[request.operation] = (self.asked[request.operation] or 0) + 1
    self.bytes = self.bytes + #request.method + #request.path + #(request.body or "") + 12
    for name, value in pairs(request.headers) do self.bytes = self.bytes + #name + #value + 4 end
  end
end

-- One customer, from the click to the payment.
function Run:sell(number)
  local s, reference = self.s, self.provider .. number
  local charge = assert(s.shop:charge(shops.order(reference)))
  self.made = self.made + 1
  if random() < NEVER then return end
  pix.sleep(LEAST + exponential(MEAN - LEAST))
  if charge.status ~= "pending" then return end
  s.t:pay(charge)
  self.paid, self.paid_at[reference] = self.paid + 1, core.reactor():now()
  if self.webhooks then
    s.shop:webhook(assert(pix.webhook.verify(select(1, s.t:webhook(charge, SECRET)),
      select(2, s.t:webhook(charge, SECRET)), SECRET)))
  end
end

-- Charges come for MINUTES, or longer where they are few; all requests of that time are counted.
local function simulate(provider, a_day, options)
  seed = 20261125
  local self = new_run(provider, options or {})
  local gap = 86400 / a_day / PEAK
  local seconds = math.max(MINUTES * 60, gap * CHARGES)
  self.minutes = seconds / 60
  pix.run(function()
    local watcher = pix.spawn(function() self.s.shop:watch { ["for"] = seconds } end)
    local began, number = core.reactor():now(), 0
    local at = exponential(gap)
    while at < seconds do
      pix.sleep(began + at - core.reactor():now())
      number = number + 1
      pix.spawn(function() self:sell(number) end)
      at = at + exponential(gap)
    end
    pix.sleep(math.max(0, began + seconds - core.reactor():now()))
    watcher:await()
    self:count()
  end)
  self.s:stop()
  return self
end

local function show(name, a_day, what, options)
  local run = simulate(name, a_day, options)
  local looks = ((run.asked.status or 0) + (run.asked.search or 0)) / run.minutes
  print(("| %d | %s | %s | %.1f | %.0f | %.1f | %.0f | %.0f %% | %s | %s |"):format(a_day, name,
    what, run.made / run.minutes, looks, run.requests / run.made, run.bytes / run.made,
    100 * #run.delays / run.paid, ("%.0f s"):format(percentile(run.delays, 0.5)),
    ("%.0f s"):format(percentile(run.delays, 0.95))))
  return run
end

local function table_of_rates()
  print(("\nOne process, %d minutes or %d charges of the busiest hour (%d × the day's mean), %s:\n")
    :format(MINUTES, CHARGES, PEAK, rawget(_G, "jit") and rawget(_G, "jit").version or _VERSION))
  print("| charges a day | provider | | charges a minute | looks a minute | requests a charge "
    .. "| bytes sent a charge | payments heard of | half within | 95 % within |")
  print "|---|---|---|---|---|---|---|---|---|---|"
  local kiosk
  for _, a_day in ipairs { 100, 1000, 3000, 10000 } do
    for _, name in ipairs { "ssg", "detseg", "payzu" } do
      local run = show(name, a_day, "40 looks")
      kiosk = kiosk or run
    end
    show("payzu", a_day, "webhooks", { webhooks = true })
  end
  show("ssg", 10000, "400 looks", { budget = { polls_per_minute = 400 } })
  show("ssg", 10000, "4,000 looks", { budget = { polls_per_minute = 4000, polls_at_once = 60 } })
  return kiosk, show("payzu", 100000, "webhooks", { webhooks = true })
end

-- A list answers for all charges since the oldest that waits. How many fit into one answer?
local function longest_list()
  local sandbox = pix.sandbox.start()
  local detseg = assert(pix.detseg { client_id = sandbox.credentials.detseg.client_id,
    client_token = sandbox.credentials.detseg.client_token, base_url = sandbox.url.detseg })
  local charge = assert(detseg:charge { amount = 1990, payer = shops.PAYER, description = "Café" })
  local item = assert(detseg:search { id = charge.id })[1]
  local bytes = #require("cjson").encode(item.raw) + 1
  sandbox.stop()
  local items, seconds = 2 ^ 20 / bytes, EXPIRES + 240
  print(("\nA list's item has %d bytes: 1 MiB holds %d, the charges of %d s at %.1f a second, or "
    .. "%d a day."):format(bytes, items, seconds, items / seconds, items / seconds * 86400 / PEAK))
end

-- ---- What a charge weighs ----

-- Sells one by one: each transaction has a commit of its own, which is the dearest case.
local function fill(where, orders, before)
  local s = shops.new()
  s:open { "payzu", journal = where, expires_in = EXPIRES }
  local commits
  pix.run(function()
    for i = 1, orders + 1 do
      if i == 2 then
        before(s.shop._store)
        commits = s.shop._store:counts()
      end
      local charge = assert(s.shop:charge(shops.order("order-" .. i)))
      s.t:pay(charge)
      s.shop:webhook(assert(pix.webhook.verify(select(1, s.t:webhook(charge, SECRET)),
        select(2, s.t:webhook(charge, SECRET)), SECRET)))
    end
  end)
  return s, (s.shop._store:counts() - commits) / orders
end

local function sqlite_size(store)
  local rows = assert(store:_submit { { sql = "PRAGMA page_count", n = 0 } })
  return rows[1][1].page_count * 4096
end

local function weigh_sqlite(orders)
  local file = os.tmpname()
  local size
  local s, commits = fill(file, orders, function(store) size = sqlite_size(store) end)
  local bytes = (sqlite_size(s.shop._store) - size) / orders
  s:stop()
  for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(file .. ending) end
  return { bytes = bytes, commits = commits }
end

local ROWS = "SELECT (SELECT count(*) FROM %s.pix_order) + (SELECT count(*) FROM %s.pix_operation)"
  .. " + (SELECT count(*) FROM %s.pix_inbox) + (SELECT count(*) FROM %s.pix_outbox)"
local SIZE = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
  .. "AND relnamespace = '%s'::regnamespace"

local function weigh_postgres(orders)
  local server = postgres.start { durable = true }
  local url, schema = server:fresh()
  local version = server:sql "SHOW server_version"
  local function ask(text) return tonumber(server:sql((text:gsub("%%s", schema)))) end
  local wal = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
  local size, rows, log
  local s, commits = fill(url, orders, function()
    size, rows, log = ask(SIZE), ask(ROWS), ask(wal)
  end)
  local written = (ask(wal) - log) / orders
  local loose = (ask(SIZE) - size) / orders
  s:stop()
  server:sql "VACUUM FULL"
  local result = { bytes = (ask(SIZE) - size) / orders, loose = loose, rows = (ask(ROWS) - rows)
    / orders, wal = written, commits = commits, version = version }
  server:close()
  return result
end

local function weights()
  local lite, server = weigh_sqlite(1000), weigh_postgres(1000)
  print(("\nA paid charge in the journal, PostgreSQL %s:\n"):format(server.version))
  print "| | SQLite | PostgreSQL |"
  print "|---|---|---|"
  print(("| rows | %.0f | %.0f |"):format(server.rows, server.rows))
  print(("| bytes with indexes, packed | %.0f | %.0f |"):format(lite.bytes, server.bytes))
  print(("| the same before VACUUM | | %.0f |"):format(server.loose))
  print(("| bytes of WAL, a commit for each transaction | | %.0f |"):format(server.wal))
  print(("| transactions | %.1f | %.1f |"):format(lite.commits, server.commits))
  return server
end

-- What a process that has nothing to do asks of the database.
local function idle()
  local file = os.tmpname()
  local s = shops.new()
  s:open { "payzu", journal = file }
  pix.run(function() s.shop:watch { ["for"] = 60 } end)
  local before = select(2, s.shop._store:counts())
  pix.run(function() s.shop:watch { ["for"] = 600 } end)
  print(("\nA process that watches and has nothing to do: %.0f transactions a minute."):format(
    (select(2, s.shop._store:counts()) - before) / 10))
  s:stop()
  for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(file .. ending) end
end

-- ---- A million a day, by arithmetic ----

local function million(kiosk, server, weight)
  print("\nA million charges a day: ten thousand kiosks that look for themselves at ssg, or "
    .. "servers that payzu tells; a day, and a second in the busiest hour:\n")
  print "| | kiosks, a day | a second | servers, a day | a second |"
  print "|---|---|---|---|---|"
  local function cell(a_charge, unit, scale, small, small_scale)
    if not a_charge then return "their own disks | " end
    return ("%.1f %s | %.1f%s"):format(a_charge * 1e6 / scale, unit,
      a_charge * 1e6 / 86400 * PEAK / small_scale, small)
  end
  local function row(what, of_kiosk, of_server, unit, scale, small, small_scale)
    print(("| %s | %s | %s |"):format(what, cell(of_kiosk, unit, scale, small, small_scale),
      cell(of_server, unit, scale, small, small_scale)))
  end
  local function count(what, of_kiosk, of_server)
    row(what, of_kiosk, of_server, "million", 1e6, "", 1)
  end
  local function bytes(what, of_kiosk, of_server)
    row(what, of_kiosk, of_server, "GB", 1e9, " kB", 1e3)
  end
  count("charges", 1, 1)
  count("requests to the provider", kiosk.requests / kiosk.made, server.requests / server.made)
  bytes("bytes sent to it, without TLS", kiosk.bytes / kiosk.made, server.bytes / server.made)
  count("journal transactions, reads too", nil, weight.commits)
  count("journal rows", nil, weight.rows)
  bytes("journal bytes, packed", nil, weight.bytes)
  bytes("bytes of WAL", nil, weight.wal)
end

io.stdout:setvbuf "line"
local kiosk, server = table_of_rates()
longest_list()
idle()
million(kiosk, server, weights())
