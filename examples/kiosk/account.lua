--- Where the money goes: the account in the environment, or a sandbox of our own.
local journals = require "pix.journal"
local pix = require "pix"

local M = {}

--- A customer stands there and waits for "paid": a look every 0.75 s while a code is shown, which
-- is twice what providers are asked by default. Let yours say that it may be.
M.BUDGET = { ssg = { look_every = 0.75, polls_per_minute = 90 } }

local AUTO_PAY = 5 -- seconds; in the sandbox nobody holds a telephone

local sandbox, shop, journal

local function lend()
  sandbox = pix.sandbox.start { auto_pay = AUTO_PAY }
  local options = { base_url = sandbox.url.ssg }
  for name, value in pairs(sandbox.credentials.ssg) do
    options[name] = value
  end
  return options
end

-- The provider object; raises what is wrong with the credentials.
local function provider()
  local options = {
    client_id = os.getenv "SSG_CLIENT_ID",
    client_secret = os.getenv "SSG_CLIENT_SECRET",
    device_code = os.getenv "SSG_DEVICE_CODE",
    base_url = os.getenv "SSG_BASE_URL",
  }
  if not (options.client_id and options.client_secret and options.device_code) then
    options = lend()
  end
  return assert(pix.ssg(options))
end

-- Whoever photographed the code may pay it later, if the provider could not cancel it.
local function give_back_late(event)
  if event.type == "charge.late" then event.charge:refund() end
end

--- @tparam string folder where the journal is; the sandbox forgets, and needs none
-- @return the checkout, and the journal of the runs, in the same file
function M.open(folder)
  local money = provider()
  local place = not sandbox and folder .. "/kiosk.db"
  shop = assert(pix.checkout { money, budget = M.BUDGET, journal = place,
    on_event = give_back_late })
  if place then journal = assert(journals.open(place)) end
  return shop, journal
end

--- What a former process left in flight becomes known, or known as unknown. May yield.
function M.recover()
  local ok, err = shop:recover { sole = true }
  if not ok then io.stderr:write("kiosk: ", tostring(err), "\n") end
  pix.spawn(shop.watch, shop)
end

--- Ends the sandbox, if there is one, and closes the journal.
function M.close()
  shop:close()
  if journal then journal:close() end
  if sandbox then sandbox.stop() end
  sandbox = nil
end

return M
