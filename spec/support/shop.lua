--- A checkout over the scripted transport and the virtual clock, and what happened to it.
local pix = require "pix"

local M = {}
M.__index = M

M.PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "(11) 98765-4321" }

--- Starts pix.testing and makes the three providers.
function M.new()
  local self = setmetatable({ events = {}, lines = {} }, M)
  self.t = pix.testing.start { wall = 1790000000 }
  self.ssg = assert(pix.ssg { client_id = "id", client_secret = "secret", device_code = "device" })
  self.detseg = assert(pix.detseg { client_id = "id", client_token = "token" })
  self.payzu = assert(pix.payzu { api_key = "key", webhook_url = "https://shop.example/hook" })
  return self
end

function M:stop()
  if self.shop then self.shop:close() end
  self.t:stop()
  for _, ending in ipairs { "", "-wal", "-shm" } do
    if self._file then os.remove(self._file .. ending) end
  end
end

--- A file for a journal, the same each time; stop removes it.
function M:file()
  self._file = self._file or os.tmpname()
  return self._file
end

--- Opens a checkout. `options` begins with names of providers; journal = false unless it is given.
function M:open(options)
  local all = {}
  for name, value in pairs(options) do
    if type(name) == "number" then all[name] = self[value] else all[name] = value end
  end
  if all.journal == nil then all.journal = false end
  all.on_event = all.on_event or function(event) self.events[#self.events + 1] = event end
  all.log = all.log or function(line) self.lines[#self.lines + 1] = line end
  self.shop = assert(pix.checkout(all))
  return self.shop
end

--- Arguments of a charge that every provider takes.
function M.order(reference, changes)
  local args = { amount = 1990, reference = reference, description = "Café", payer = M.PAYER }
  for name, value in pairs(changes or {}) do
    args[name] = value
  end
  return args
end

--- The names of the events so far, in order.
function M:told()
  local names = {}
  for i, event in ipairs(self.events) do
    names[i] = event.type
  end
  return names
end

--- How often an event was told.
function M:count(name)
  local count = 0
  for _, event in ipairs(self.events) do
    if event.type == name then count = count + 1 end
  end
  return count
end

--- How many requests for charges each provider got.
function M:asked(operation)
  local count = {}
  for _, name in ipairs { "ssg", "detseg", "payzu" } do
    count[name] = #self.t:requests(name, operation or "charge")
  end
  return count
end

--- The next `times` charges at a provider end like this.
function M:fail(provider, kind, sent, times, operation)
  for _ = 1, times or 1 do
    self.t:fail(provider, operation or "charge", { kind = kind, sent = sent })
  end
end

return M
