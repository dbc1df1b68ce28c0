--- Takes a payment with the luapix that is installed, and no other: payment.lua FOLDER… VERSION
-- JOURNALS. Every module of ours must come from one of the folders. JOURNALS are the back ends that
-- are there, with commas; "" = none, and then a journal must be refused, and nothing else.
local FOLDERS, VERSION, JOURNALS = { arg[1], arg[2] }, arg[3], arg[4] or ""

local function inside(path)
  for _, folder in ipairs(FOLDERS) do
    if path and path:sub(1, #folder + 1) == folder .. "/" then return true end
  end
  return false
end

local function check_modules()
  local ours = 0
  for name in pairs(package.loaded) do
    if name == "pix" or name:find "^pix%." then
      local path = package.searchpath(name, package.path)
        or package.searchpath(name, package.cpath)
      assert(inside(path), ("%s came from %s"):format(name, tostring(path)))
      ours = ours + 1
    end
  end
  assert(ours > 5, "no module of ours was loaded")
end

local pix = require "pix"
assert(pix.version == VERSION, ("version %s, not %s"):format(pix.version, VERSION))

local sandbox = pix.sandbox.start()

local function account(name)
  local options = { base_url = sandbox.url[name] }
  for key, value in pairs(sandbox.credentials[name]) do options[key] = value end
  if name == "payzu" then options.webhook_url = "https://shop.invalid/webhook" end
  return assert(pix.provider(name, options))
end

local PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "85987654321" }

local function charge_at_each()
  for _, name in ipairs(pix.providers()) do
    local charge = assert(account(name):charge { amount = "19.90", description = "Café",
      payer = PAYER })
    assert(charge:qr "png", name)
    sandbox.pay(charge.id)
    assert(charge:wait { timeout = 30 } == "paid", name)
  end
end

local function shop_with(journal)
  return assert(pix.checkout { account "payzu", journal = journal })
end

-- A second shop, as after a restart, knows the order of the first: nothing is charged twice.
local function charge_with_journal(file)
  local shop = shop_with(file)
  local charge = assert(shop:charge { amount = 1990, reference = "order-17" })
  sandbox.pay(charge.id)
  assert(charge:wait { timeout = 30 } == "paid")
  shop:close()
  shop = shop_with(file)
  local again = assert(shop:charge { amount = 1990, reference = "order-17" })
  assert(again.id == charge.id and again.status == "paid")
  shop:close()
  assert(sandbox.count { provider = "payzu", operation = "charge" } == 2) -- and the one before
end

local function no_journal(file)
  local ok, shop, err = pcall(pix.checkout, { account "payzu", journal = file })
  local charge
  if ok and shop then charge, err = shop:charge { amount = 1990, reference = "order-17" } end
  assert(not charge, "charged without a journal")
  assert(tostring(ok and err or shop):find("journal_sqlite", 1, true), tostring(ok and err or shop))
end

local function main()
  charge_at_each()
  if JOURNALS:find("sqlite", 1, true) then
    charge_with_journal "pix.db"
  else
    no_journal "pix.db"
  end
  for name in JOURNALS:gmatch "[^,]+" do
    assert(require("pix.journal_" .. name), name)
  end
end

local ok, why = pcall(pix.run, main)
sandbox.stop()
assert(ok, why)
check_modules()
print("paid", pix.version, _VERSION)
