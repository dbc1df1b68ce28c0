--- A child process of the crash specs: begins one operation, and is killed at one point of it.
-- Its whole configuration is one JSON text: journal, folder, operation, reference, amount,
-- provider, base_url, credentials; point, or transaction = the number of the one that is not made
-- any more.
local cjson = require "cjson"
local pix = require "pix"
local crash = require "spec.crash.shop"
local seam = require "spec.crash.seam"

local given = cjson.decode(arg[1])
local tell = crash.teller(given.folder .. "/events")
local provider = crash.provider(given.provider, given.base_url, given.credentials)
local shop = crash.open({ provider }, given.journal, function(event)
  tell(event)
  if given.point == "after_event" and event.type == "charge.paid" then seam.after_event() end
end)

local DO = {
  charge = function() return shop:charge(crash.order(given.reference, given.amount)) end,
  subscribe = function() return shop:subscribe(crash.subscription(given.reference)) end,
  cancel = function() return shop:cancel(given.reference) end,
  refund = function() return shop:refund(given.reference) end,
  status = function() return shop:status(given.reference) end,
  recover = function() return shop:recover() end,
}

pix.run(function()
  assert(provider:check()) -- the token is there: the next connection is the operation's
  if given.transaction then
    seam.plant_transaction(given.transaction)
  else
    seam.plant(shop, given.operation, given.point, given.folder)
  end
  local done, err = DO[given.operation]()
  repeat pix.sleep(0.01) until not shop._events._busy -- they are told beside it: the end, perhaps
  print("survived", done, err)
end)
