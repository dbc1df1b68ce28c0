--- The host contract: what every host must do, case by case. Runs inside the host, in a coroutine
-- of its own; see contract_program.lua. A case gets
--   c.ssg, c.payzu   providers of the sandbox
--   c.sandbox        the sandbox
--   c.beat(f)        has the host call f again and again, by its own means, until it returns false
--   c.blocks         true: the host blocks the thread, so that no coroutine is suspended
local core = require "pix.core"
local pix = require "pix"

local M = {}

local function case(sentence, f)
  M[#M + 1] = { sentence = sentence, run = f }
end

local function same(expected, got)
  if expected ~= got then
    error(("%s was expected, not %s"):format(tostring(expected), tostring(got)), 2)
  end
end

-- A call whose answer never comes, and which the sandbox has got.
local function hanging(c)
  c.sandbox.fault { provider = "payzu", operation = "charge", hang = true }
  local before = c.sandbox.count { provider = "payzu", operation = "charge" }
  local call = c.payzu:start("charge", { amount = 500 })
  return call, function()
    while c.sandbox.count { provider = "payzu", operation = "charge" } == before do
      assert(pix.sleep(0.002))
    end
  end
end

case("waits for a call and gives its result", function(c)
  local charge = assert(c.ssg:charge { amount = 1990 })
  same(1990, charge.amount)
  c.sandbox.pay(charge.id)
  same("paid", assert(charge:refresh()))
end)

case("gives what went wrong as a value", function(c)
  c.sandbox.fault { provider = "ssg", operation = "status", status = 404, body = {} }
  local status, err = c.ssg:status "nobody"
  same(nil, status)
  same("not_found", err.kind)
end)

case("sleeps", function()
  local before = core.reactor():now()
  same(true, pix.sleep(0.02))
  assert(core.reactor():now() - before >= 0.019)
  same(true, pix.sleep(0))
end)

case("ends a wait at its time-out, while the future goes on", function()
  local promise = core.promise()
  for _ = 1, 2 do
    local value, err = pix.await(promise, 0.01)
    same(nil, value)
    same("timeout", err.kind)
  end
  promise:fulfil "at last"
  same("at last", pix.await(promise, 60))
end)

case("goes on with its own work while a call is under way", function(c)
  local call, arrived = hanging(c)
  arrived()
  local beats, promise = 0, core.promise()
  c.beat(function()
    beats = beats + 1
    if beats == 3 then promise:fulfil(true) end
    return beats < 3
  end)
  same(true, pix.await(promise))
  same(false, call:ready())
  call:cancel()
  same("cancelled", select(2, pix.await(call)).kind)
end)

case("cancels a task in its sleep", function()
  local task = pix.spawn(function()
    local ok, err = pix.sleep(3600)
    same(nil, ok)
    pix.sleep(0.001) -- it may clean up, and wait meanwhile
    return err.kind
  end)
  pix.sleep(0.001)
  task:cancel()
  same("cancelled", task:await())
end)

case("cancels a call that a task waits for, and says that it may have been done", function(c)
  local call, arrived = hanging(c)
  local begun = false
  local task = pix.spawn(function()
    begun = true
    return pix.await(call)
  end)
  arrived()
  while not begun do pix.sleep(0) end
  task:cancel()
  local value, err = task:await()
  same(nil, value)
  same("cancelled", err.kind)
  same("maybe", err.sent)
end)

case("has 1,000 tasks wait at once", function()
  local tasks, open = {}, 0
  for i = 1, 1000 do
    tasks[i] = pix.spawn(function()
      open = open + 1
      repeat -- until all are here, however slow the machine is
        same(true, pix.sleep(0.2 + (i * 7 % 10) / 1000))
      until open == 1000
      return i
    end)
  end
  local results, errors = pix.all(tasks)
  same(nil, errors)
  for i = 1, 1000 do same(i, results[i]) end
end)

case("has 200 calls under way at once", function(c)
  local calls = {}
  for i = 1, 200 do
    calls[i] = pix.spawn(function() return assert(c.payzu:charge { amount = i }).amount end)
  end
  local results = pix.all(calls)
  for i = 1, 200 do same(i, results[i]) end
end)

case("lets the others go on when one raises", function()
  local heard = {}
  pix.on_error(function(err) heard[#heard + 1] = tostring(err) end)
  local going = pix.spawn(function()
    repeat pix.sleep(0.001) until heard[1]
    pix.sleep(0.001)
    return "went on"
  end)
  pix.spawn(function()
    pix.sleep(0.001)
    error "a defect"
  end)
  same("went on", going:await())
  pix.on_error(nil)
  same(1, #heard)
  assert(heard[1]:find("a defect", 1, true) and heard[1]:find("traceback", 1, true))
end)

case("raises what a task raised where it is awaited", function()
  local task = pix.spawn(function()
    pix.sleep(0.001)
    error "a defect"
  end)
  local ok, err = pcall(task.await, task)
  same(false, ok)
  assert(tostring(err):find("a defect", 1, true))
end)

case("wakes all who wait for one future", function()
  local promise, tasks = core.promise(), {}
  for i = 1, 3 do
    tasks[i] = pix.spawn(function() return pix.await(promise) end)
  end
  pix.sleep(0.001)
  promise:fulfil "shared"
  local results = pix.all(tasks)
  for i = 1, 3 do same("shared", results[i]) end
end)

case("gives a future's result again when it is awaited twice", function(c)
  local call = c.payzu:start("charge", { amount = 700 })
  local first = assert(pix.await(call))
  same(first.id, assert(pix.await(call)).id)
end)

case("waits for all, and for the first", function()
  local results = assert(pix.all { core.timer(0.001), function() return "f" end })
  same("f", results[2])
  local value, place = pix.any { core.promise(), function()
    pix.sleep(0.001)
    return "first"
  end }
  same("first", value)
  same(2, place)
end)

case("waits inside pcall, xpcall and an iterator", function()
  same(true, select(2, pcall(pix.sleep, 0.001)))
  same(true, select(2, xpcall(function() return pix.sleep(0.001) end, debug.traceback)))
  local rounds = 0
  for i in function(_, i) return pix.sleep(0.001) and (i or 0) < 3 and (i or 0) + 1 or nil end do
    rounds = i
  end
  same(3, rounds)
end)

case("does not wait in a callback of C, and says so before anything is sent", function(c)
  local before = c.sandbox.count()
  local ok, err = pcall(table.sort, { 3, 1, 2 }, function(a, b)
    if not c.blocks then c.payzu:charge { amount = 100 } end
    return a < b
  end)
  same(c.blocks or false, ok)
  if not c.blocks then
    assert(tostring(err):find("table.sort", 1, true), err)
    assert(not pcall(string.gsub, "a", "a", function() pix.sleep(0) end))
  end
  same(before, c.sandbox.count())
end)

return M
