--- A shop's process for the crash specs: it recovers, says so, and handles orders, 64 at a time,
-- until it is killed or they are all done. What it has begun, shown and ended stands in the file
-- `orders`, as a shop would have it in a database of its own, so that the next life goes on.
-- Its whole configuration is one JSON text: journal, worker, folder, url, credentials; total: the
-- orders are 1 to total and shared with other processes, else there is no end of them; seed.
local cjson = require "cjson"
local pix = require "pix"
local crash = require "spec.crash.shop"

local given = cjson.decode(arg[1])
local FLIGHT = 64
local PROVIDERS = { "ssg", "detseg", "payzu" }

local path = given.folder .. "/orders"
local draw = crash.generator(given.seed)

local function write(what, number, id)
  local file = assert(io.open(path, "a"))
  file:write(("%s %d %s\n"):format(what, number, id or "-"))
  file:close()
end

-- ---- Which orders ----

local queue, last = {}, 0

-- Those that nobody has ended yet, in an order of this process's own.
local function shared(orders)
  for number = 1, given.total do
    if not orders.ended[number] then table.insert(queue, draw(#queue + 1), number) end
  end
end

-- Those that an earlier life had begun.
local function begun(orders)
  for number in pairs(orders.begun) do
    last = math.max(last, number)
    if not orders.ended[number] then queue[#queue + 1] = number end
  end
end

local function next_order()
  if #queue > 0 then return table.remove(queue) end
  if given.total then return nil end
  last = last + 1
  return last
end

-- ---- What is done with one ----

local function go_on(shop, number, charge)
  if number % 4 == 0 or charge.provider ~= "ssg" then return charge:refresh() end
  if number % 4 == 1 then return shop:cancel(charge) end
  pix.sleep(0.05) -- the sandbox pays by itself
  if charge:refresh() == "paid" and number % 4 == 2 then return shop:refund(charge) end
end

local function handle(shop, number)
  local reference = crash.reference(number)
  write("begun", number)
  local charge, err = shop:charge(crash.order(reference, crash.amount(number)))
  if charge and charge.code then write("shown", number, charge.id) end
  if charge then go_on(shop, number, charge) end
  if not charge and err.code == "busy" then
    pix.sleep(0.05)
    table.insert(queue, 1, number)
  elseif charge or err.code ~= "unknown" then
    write("ended", number)
  end
end

-- ---- The process ----

local providers = {}
for i, name in ipairs(PROVIDERS) do
  providers[i] = crash.provider(name, given.url[name], given.credentials[name])
end
local shop = crash.open(providers, given.journal, crash.teller(given.folder .. "/events"),
  given.worker)

pix.run(function()
  assert(shop:recover())
  print "recovered"
  io.stdout:flush()
  local orders = crash.orders(path)
  if given.total then shared(orders) else begun(orders) end
  local tasks = {}
  for i = 1, FLIGHT do
    tasks[i] = pix.spawn(function()
      for number in next_order do
        handle(shop, number)
      end
    end)
  end
  assert(select(2, pix.all(tasks)) == nil)
end)
shop:close()
print "done"
