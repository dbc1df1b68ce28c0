--- What the scripted transport answers when a test has not said otherwise: the documents' own
-- bodies, and as much memory as a charge needs to become paid. One table of operations for each
-- provider; each takes (book, request) and returns { status =, body = }.
local core = require "pix.core"
local simulated = require "pix.testing.simulated"

local M = {}

-- ---- JSON, members sorted, so that bodies can be compared ----

local Raw = {}

--- Text that stands in JSON as it is: a number with its decimals.
function M.raw(text)
  return setmetatable({ text = text }, Raw)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
  end) .. '"'
end

local encode

local function encode_table(value)
  local parts, names = {}, {}
  for name in pairs(value) do
    names[#names + 1] = name
  end
  if #value == #names and #names > 0 then
    for i = 1, #value do
      parts[i] = encode(value[i])
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = quote(name) .. ":" .. encode(value[name])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" then return ("%.14g"):format(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then error("pix.testing: a body cannot hold a " .. kind, 0) end
  if getmetatable(value) == Raw then return value.text end
  return encode_table(value)
end

--- A table as JSON. An empty table is an object.
M.encode = encode

-- ---- The book of charges ----

local Book = {}
Book.__index = Book

--- @treturn table a book without charges
function M.book()
  return setmetatable({ _charges = {}, _made = 0 }, Book)
end

function Book:id(prefix)
  self._made = self._made + 1
  return ("%s%08x-0000-4000-8000-%012x"):format(prefix or "", self._made, self._made)
end

function Book:add(charge)
  charge.status = "pending"
  self._charges[charge.id] = charge
  return charge
end

function Book:find(id)
  return self._charges[id]
end

-- The centavos of a member of a body, read from its text.
local function centavos(request, name)
  local text = request.body:match('"' .. name .. '"%s*:%s*"?([%d%.]+)')
  if not text then return 0 end
  if not text:find(".", 1, true) then return tonumber(text) end
  return (assert(core.money(text)))
end

local function code_for(provider, id, amount)
  return assert(core.brcode_encode {
    url = "pix.test.invalid/" .. provider .. "/" .. id:sub(-12), amount = amount, name = "LUAPIX",
    city = "SAO PAULO", txid = "***",
  })
end

local function new_charge(book, request, prefix, member)
  local id, amount = book:id(prefix), centavos(request, member)
  local code = code_for(request.provider, id, amount)
  return book:add { id = id, provider = request.provider, amount = amount, code = code }
end

local function decimal(amount)
  return M.raw(core.decimal(amount))
end

-- ---- Providers ----

local function token(book)
  return { status = 200, body = {
    access_token = book:id("token-"), token_type = "Bearer", expires_in = 86400,
  } }
end

local ssg = { words = {
  pending = "PENDING", paid = "PAID", cancelled = "CANCELLED", refunded = "REFUNDED",
} }

function ssg.charge(book, request)
  local charge = new_charge(book, request, nil, "value")
  return { status = 201, body = {
    id = charge.id, qr_code_text = charge.code, status = "PENDING",
    value = core.decimal(charge.amount),
  } }
end

local function ssg_error(status, field, message)
  return { status = status, body = { message = message, errors = { [field] = { message } } } }
end

local function ssg_find(book, request)
  local charge = book:find(request.path:match("/qrcode/([^/]+)/") or "")
  if charge then return charge end
  return nil, ssg_error(404, "uuid", "O uuid informado não foi encontrado.")
end

function ssg.status(book, request)
  local charge, refusal = ssg_find(book, request)
  return refusal or { status = 200, body = { status = ssg.words[charge.status] } }
end

function ssg.cancel(book, request)
  local charge, refusal = ssg_find(book, request)
  if refusal then return refusal end
  if charge.status ~= "pending" then
    return ssg_error(409, "uuid", "Não é possível cancelar um QR Code pago.")
  end
  charge.status = "cancelled"
  return { status = 200, body = { status = "CANCELLED" } }
end

function ssg.refund(book, request)
  local charge, refusal = ssg_find(book, request)
  if refusal then return refusal end
  if charge.status ~= "paid" then
    return ssg_error(409, "uuid", "Não é possível estornar um QR Code que não está pago.")
  end
  charge.status = "refunded"
  return { status = 200, body = {
    id = charge.id, status = "REFUNDED", value = decimal(charge.amount),
  } }
end

local detseg = { words = { pending = "pending", paid = "paid", rejected = "rejected" } }

-- A picture of one white pixel.
local PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNo"
  .. "AAAAggCBd81ytgAAAABJRU5ErkJg"
  .. "gg=="

function detseg.charge(book, request)
  local charge = new_charge(book, request, nil, "amount")
  if request.path:find("/payment/pix", 1, true) then
    return { status = 200, body = { id = charge.id, qrcode = charge.code } }
  end
  return { status = 201, body = {
    message = "Código PIX gerado com sucesso", transaction_id = charge.id,
    payment_code = charge.code, payment_qr_code = PICTURE,
  } }
end

local function detseg_item(charge)
  return { transaction_id = charge.id, status = detseg.words[charge.status],
    value = decimal(charge.amount) }
end

function detseg.status(book, request)
  local charge = book:find(request.json.transaction_id or request.json.id)
  if request.path:find("/payment/", 1, true) then
    if charge then return { status = 200, body = detseg_item(charge) } end
    return { status = 404, body = { error = "not_found", message = "Transação não encontrada" } }
  end
  local list = charge and { detseg_item(charge) } or M.raw("[]")
  return { status = 200, body = { transactions = list } }
end

function detseg.search(book, request)
  local id, list = request.json.transaction_id or request.json.id, {}
  for key, charge in pairs(book._charges) do
    if charge.provider == "detseg" and (id == nil or id == key) then
      list[#list + 1] = detseg_item(charge)
    end
  end
  table.sort(list, function(a, b) return a.transaction_id < b.transaction_id end)
  return { status = 200, body = { transactions = #list > 0 and list or M.raw("[]") } }
end

local payzu = { words = {
  pending = "pending", paid = "completed", expired = "expired", cancelled = "canceled",
} }
local SALES = {
  pending = "pendente", paid = "aprovado", expired = "cancelado", cancelled = "cancelado",
}

function payzu.charge(book, request)
  local charge = new_charge(book, request, "PIX", "amount")
  return { status = 200, body = {
    id = charge.id, qrCodeText = charge.code, status = "PENDING",
    qrCodeUrl = "https://api.qrserver.com/v1/create-qr-code/?data=" .. charge.id,
  } }
end

local function payzu_body(charge)
  return {
    transaction = {
      id = charge.id, status = payzu.words[charge.status], amount = decimal(charge.amount),
      created_at = "2025-02-19 20:58:02", updated_at = "2025-02-19 17:58:22",
      qr_code = { text = charge.code },
    },
    venda = { id = "91", status = SALES[charge.status], valor = core.decimal(charge.amount),
      created_at = "2025-02-19 20:58:02" },
  }
end

function payzu.status(book, request)
  local charge = book:find(request.json.id)
  if charge then return { status = 200, body = payzu_body(charge) } end
  return { status = 404, body = { error = "Transação não encontrada", details = "id" } }
end

-- The core asks for a charge that cannot exist: the refusal of the id proves that the key is good.
payzu.check = payzu.status

function payzu.subscribe(book, request)
  local body = {
    success = true, subscription_id = book:id("SUB"), transaction_id = book:id("TRX"),
    status = "aprovado",
  }
  if request.path:find("deferred", 1, true) then
    body.message = "Pré-Autorização realizada com sucesso"
    body.trial_ends_at, body.first_charge_date = "2024-03-21 10:00:00", "2024-03-21 10:00:00"
  else
    body.message, body.valor_liquido = "Transação aprovada", M.raw("95.50")
    body.data_liberacao, body.proxima_cobranca = "2024-03-21 10:00:00", "2024-03-21 10:00:00"
  end
  return { status = 200, body = body }
end

payzu.webhook = payzu_body

-- A provider that has no answers here answers as the sandbox simulates it.
M.providers = setmetatable({ ssg = ssg, detseg = detseg, payzu = payzu }, {
  __index = function(self, name)
    local answers = simulated.provider(name, M.raw)
    rawset(self, name, answers)
    return answers
  end,
})

--- The default answer to a request, or nil: there is none.
function M.answer(book, request)
  if request.operation == "token" then return token(book) end
  local provider = M.providers[request.provider]
  local reply = provider and provider[request.operation]
  return reply and reply(book, request)
end

return M
