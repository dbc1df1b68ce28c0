--- The simulated DetsegPay: both dialects of its documents (detsegpay.txt).
-- `transactions` is the one of Node, PHP and curl (/token, /transactions/…), `payment` the one
-- of Python (/auth, /payment/…). Error bodies are those of an earlier edition of the document:
-- {"error": …, "message": …}.
local brcode = require("pix.sandbox.brcode")
local document = require("pix.sandbox.document")
local json = require("pix.sandbox.json")
local random = require("pix.sandbox.random")

local M = {
  name = "detseg",
  prefix = "/detseg/v1",
  id_members = { transaction_id = true, id = true },
  open = { token = true },
  credentials = { client_id = "sandbox-detseg", client_token = "sandbox-detseg-token" },
  -- amount_unit: "reais" or "centavos"; expires_as: "seconds" or "epoch"
  options = { amount_unit = "reais", amount_in_code = true, expires_as = "seconds",
    token_lifetime = 3600 },
  -- There is no word for expired or cancelled: a charge that nobody paid is rejected.
  words = { pending = "pending", paid = "paid", expired = "rejected", cancelled = "rejected",
    refunded = "refunded", rejected = "rejected" },
  operations = { "token", "charge", "status", "search" },
}

-- A picture is only carried through, never read: one valid pixel is enough.
local PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
  .. "RU5ErkJggg=="

local CHARGE_FIELDS = { "identification", "full_name", "email", "phone_number", "amount" }
local SAO_PAULO = 3 * 3600 -- behind UTC; no daylight saving since 2019

local function failure(status, error, message)
  return { status = status, body = json.object("error", error, "message", message) }
end

local function invalid(message)
  return failure(400, "invalid_request", message)
end

local function missing(field)
  return invalid(("O campo %s é obrigatório."):format(field))
end

function M.denied()
  return failure(401, "unauthorized", "Token inválido ou expirado.")
end

function M.not_found()
  return failure(404, "not_found", "Recurso não encontrado.")
end

function M.authorised(context, request)
  return context.ledger:accepts(request.bearer, M.name)
end

local function query_operation(request)
  local data = request.data or {}
  return (data.start_date ~= nil or data.end_date ~= nil) and "search" or "status"
end

local ROUTES = {
  ["/token"] = "token",
  ["/transactions/buy"] = "charge",
  ["/transactions/query"] = query_operation,
  ["/auth"] = "token",
  ["/payment/pix"] = "charge",
  ["/payment/status"] = "status",
  ["/payment/search"] = function(request)
    return (request.data or {}).id and "status" or "search"
  end,
}

function M.route(request)
  local target = ROUTES[request.path]
  if request.method ~= "POST" or not target then
    return nil
  end
  request.dialect = request.path:find("^/payment/") and "payment" or "transactions"
  return type(target) == "string" and target or target(request)
end

local function token(context, request)
  local data, mine = request.data or {}, context.credentials
  for _, field in ipairs({ "client_id", "client_token" }) do
    if not json.text(data[field]) then
      return missing(field)
    end
  end
  if request.path == "/token" and data.client_environment ~= "prd" then
    return invalid("O campo client_environment é inválido.")
  end
  if data.client_id ~= mine.client_id or data.client_token ~= mine.client_token then
    return failure(401, "unauthorized", "Credenciais inválidas.")
  end
  local lifetime = context.options.token_lifetime
  local expires = context.options.expires_as == "epoch" and context.now() + lifetime or lifetime
  return { status = 200, body = json.object(
    "access_token", context.ledger:issue(random.token(), M.name, lifetime),
    "token_type", "Bearer", "expires_in", json.raw(("%d"):format(expires))) }
end

local function centavos(context, amount)
  local factor = context.options.amount_unit == "reais" and 100 or 1
  local value = type(amount) == "number" and amount * factor or 0
  local rounded = math.floor(value + 0.5)
  if rounded < 1 or rounded > 1e11 or math.abs(value - rounded) > 1e-4 then
    return nil
  end
  return rounded
end

-- The field at fault, or nil. Each is tested as the documents' samples write it.
local function check_charge(request)
  local data = request.data or {}
  for _, field in ipairs(CHARGE_FIELDS) do
    if data[field] == nil or data[field] == "" then
      return missing(field)
    end
  end
  if request.dialect == "payment" and not json.text(data.id) then
    return missing("id")
  end
  if not document.valid(data.identification) then
    return invalid("O campo identification não é um CPF ou CNPJ válido.")
  elseif not tostring(data.email):match("^[^@%s]+@[^@%s]+%.[^@%s]+$") then
    return invalid("O campo email é inválido.")
  elseif not tostring(data.phone_number):match("^%+?%d+$") or #data.phone_number < 10 then
    return invalid("O campo phone_number é inválido.")
  end
  return nil
end

local function code_of(context, id, amount, twisted)
  return brcode.encode({
    url = "pix.sandbox.invalid/qr/v3/at/" .. id,
    name = "DETSEG SANDBOX", city = "SAO_PAULO",
    amount = (context.options.amount_in_code or twisted) and amount or nil,
  })
end

local function charge(context, request)
  local refused = check_charge(request)
  if refused then
    return refused
  end
  local amount = centavos(context, request.data.amount)
  if not amount then
    return invalid("O campo amount é inválido.")
  end
  local id = random.uuid()
  local code = code_of(context, id, request.fault_amount or amount, request.fault_amount)
  context.add({ id = id, amount = amount, code = code, payer = request.data.full_name })
  if request.dialect == "payment" then
    return { status = 200, charge = id, body = json.object("id", id, "qrcode", code) }
  end
  return { status = 201, charge = id, body = json.object(
    "message", "Código PIX gerado com sucesso", "transaction_id", id,
    "payment_code", code, "payment_qr_code", PNG) }
end

-- Reais as the float that the documents show: 100 → 1.0, 1990 → 19.9, 1999 → 19.99.
local function float(amount)
  return json.raw((brcode.reais(amount):gsub("(%.%d)0$", "%1")))
end

local function item(context, request, found)
  return json.object(request.dialect == "payment" and "id" or "transaction_id", found.id,
    "status", context.word(found), "value", float(request.fault_amount or found.amount),
    "created_at", os.date("!%Y-%m-%dT%H:%M:%SZ", found.created_at))
end

local function status(context, request)
  local data = request.data or {}
  local id = json.text(data.transaction_id) or json.text(data.id)
  if not id then
    return invalid("Parâmetros insuficientes para consulta.")
  end
  local found = context.find(id)
  if request.path == "/payment/status" then
    return found and { status = 200, charge = id, body = item(context, request, found) }
      or failure(404, "not_found", "Transação não encontrada.")
  end
  local list = { found and item(context, request, found) }
  return { status = 200, charge = id, body = json.object("transactions", json.array(list)) }
end

-- America/Sao_Paulo without a zone mark → seconds since 1970, or nil.
local function time_of(text)
  local y, m, d, h, min, s = tostring(text):match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)$")
  if not y then
    return nil
  end
  -- days by the civil calendar, for os.time would apply this machine's zone
  y, m = tonumber(y), tonumber(m)
  local shifted = m <= 2 and y - 1 or y
  local month = (m + 9) % 12
  local days = 365 * shifted + math.floor(shifted / 4) - math.floor(shifted / 100)
    + math.floor(shifted / 400) + math.floor((153 * month + 2) / 5) + tonumber(d) - 719469
  return days * 86400 + h * 3600 + min * 60 + tonumber(s) + SAO_PAULO
end

local function search(context, request)
  local data = request.data or {}
  if data.start_date == nil or data.end_date == nil then
    return invalid("Parâmetros insuficientes para consulta.")
  end
  local from, to = time_of(data.start_date), time_of(data.end_date)
  if not from or not to or from > to then
    return invalid("O campo start_date ou end_date é inválido.")
  end
  local list = {}
  for _, found in ipairs(context.ledger:charges()) do
    if found.provider == M.name and found.created_at >= from and found.created_at <= to then
      list[#list + 1] = item(context, request, found)
    end
  end
  return { status = 200, body = json.object("transactions", json.array(list)) }
end

M.handle = { token = token, charge = charge, status = status, search = search }

return M
