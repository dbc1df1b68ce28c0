--- The simulated QRC SSG (qrc-ssg.txt): OAuth token, QR Code, status, cancel, refund.
-- Messages are the documents' own, word for word.
local basexx = require("basexx")
local brcode = require("pix.sandbox.brcode")
local json = require("pix.sandbox.json")
local random = require("pix.sandbox.random")

local M = {
  name = "ssg",
  prefix = "/ssg",
  id_members = { id = true },
  open = { token = true },
  credentials = {
    client_id = "sandbox-ssg",
    client_secret = "sandbox-ssg-secret",
    device_code = "019499ed-eb1a-715f-8eb6-253b93278952",
  },
  -- value_as: "number" (365.90) or "string" ("365.90"), else 422; code_as: "json" or "brcode";
  -- bad_credentials: 401 or 400, for the documents show both
  options = { value_as = "number", code_as = "json", bad_credentials = 401,
    token_lifetime = 86400 },
  -- There is no word for expired or rejected: a code that cannot be paid any more is CANCELLED.
  words = { pending = "PENDING", paid = "PAID", expired = "CANCELLED", cancelled = "CANCELLED",
    refunded = "REFUNDED", rejected = "CANCELLED" },
  operations = { "token", "charge", "status", "cancel", "refund" },
}

local MALFORMED = "The request is missing a required parameter, includes an invalid parameter "
  .. "value, includes a parameter more than once, or is otherwise malformed."
local UNSUPPORTED = "The authorization grant type is not supported by the authorization server."
local DECIMALS = "O campo value deve ser um número com duas casas decimais."
local OTHER_VALUE = "Não é possível estornar um valor maior/menor do que o valor do QR Code."

local function field_error(status, field, message)
  return { status = status, body = json.object("message", message,
    "errors", json.object(field, json.array({ message }))) }
end

local function missing(field)
  return field_error(400, field, ("O campo %s é obrigatório."):format(field))
end

local function unknown(field)
  return field_error(404, field, ("O %s informado não foi encontrado."):format(field))
end

local function oauth_error(status, error, description, hint)
  return { status = status, body = json.object("error", error, "error_description", description,
    "hint", hint, "message", description) }
end

function M.denied()
  return { status = 401, body = json.object("message", "Unauthenticated.") }
end

function M.not_found()
  return { status = 404, body = json.object("message", "Not Found.") }
end

function M.authorised(context, request)
  return context.ledger:accepts(request.bearer, M.name)
end

local ACTIONS = { ["GET status"] = "status", ["DELETE cancel"] = "cancel",
  ["DELETE refund"] = "refund" }

function M.route(request)
  if request.method == "POST" and request.path == "/oauth/token" then
    return "token"
  elseif request.method == "POST" and request.path == "/api/qrcode/new" then
    return "charge"
  end
  local uuid, action = request.path:match("^/api/qrcode/([^/]+)/(%l+)$")
  request.uuid = uuid
  return uuid and ACTIONS[request.method .. " " .. action] or nil
end

local function token(context, request)
  local data, mine = request.data or {}, context.credentials
  if data.grant_type ~= "client_credentials" then
    return oauth_error(400, "unsupported_grant_type", UNSUPPORTED,
      "Check that all required parameters have been provided")
  end
  for _, field in ipairs({ "client_id", "client_secret" }) do
    if not json.text(data[field]) then
      return oauth_error(400, "invalid_request", MALFORMED,
        ("Check the `%s` parameter"):format(field))
    end
  end
  if data.client_id ~= mine.client_id or data.client_secret ~= mine.client_secret then
    if context.options.bad_credentials == 400 then
      return oauth_error(400, "invalid_request", MALFORMED, "Check the `client_id` parameter")
    end
    return oauth_error(401, "invalid_client", "Client authentication failed")
  end
  local issued = context.ledger:issue(random.token(), M.name, context.options.token_lifetime)
  return { status = 200, body = json.object("token_type", "Bearer",
    "expires_in", json.raw("31536000"), "access_token", issued) }
end

-- The centavos of `value`, or nil. Decoding would lose the two decimals, so the raw text decides.
local function value_of(context, request)
  local pattern = context.options.value_as == "string" and '"value"%s*:%s*"(%d+)%.(%d%d)"'
    or '"value"%s*:%s*(%d+)%.(%d%d)%s*[,}]'
  local reais, cents = request.body:match(pattern)
  return reais and #reais <= 11 and tonumber(reais) * 100 + tonumber(cents) or nil
end

-- Tests value and device_code of a body; the centavos, or nil and the refusal.
local function check_body(context, request)
  local data = request.data or {}
  for _, field in ipairs({ "value", "device_code" }) do
    if data[field] == nil or data[field] == "" then
      return nil, missing(field)
    end
  end
  local amount = value_of(context, request)
  if not amount or amount == 0 then
    return nil, field_error(422, "value", DECIMALS)
  elseif data.device_code ~= context.credentials.device_code then
    return nil, unknown("device_code")
  end
  return amount
end

-- The base64 JSON of the documents' sample: no BR Code, but what the device shows.
local function code_of(context, id, amount)
  if context.options.code_as == "brcode" then
    return brcode.encode({ url = "pix.sandbox.invalid/qr/ssg/" .. id, amount = amount,
      name = "SSG SANDBOX", city = "FORTALEZA" })
  end
  local price = json.raw((brcode.reais(amount):gsub("(%.%d)0$", "%1")))
  local line = json.object("item_title", "RETIRADA", "unit_price", price,
    "quantity", json.raw("1"), "title", "RETIRADA")
  return basexx.to_base64(json.encode(json.object("id", random.uuid(),
    "amount", ("%d"):format(amount), "items", json.array({ json.array({ line }) }))))
end

local function charge(context, request)
  local amount, refused = check_body(context, request)
  if not amount then
    return refused
  end
  local id, said = random.uuid(), request.fault_amount or amount
  local code = code_of(context, id, said)
  context.add({ id = id, amount = amount, code = code })
  return { status = 201, charge = id, body = json.object("id", id, "qr_code_text", code,
    "status", M.words.pending, "value", brcode.reais(said)) }
end

local function status(context, request)
  local device = request.args.device_code
  if not device or device == "" then
    return missing("device_code")
  elseif device ~= context.credentials.device_code then
    return unknown("device_code")
  end
  local found = context.find(request.uuid)
  if not found then
    return unknown("uuid")
  end
  return { status = 200, charge = found.id, body = json.object("status", context.word(found)) }
end

local function conflict(message)
  return field_error(409, "uuid", message)
end

local function cancel(context, request)
  local amount, refused = check_body(context, request)
  local found = amount and context.find(request.uuid)
  if not found then
    return refused or unknown("uuid")
  elseif found.status == "paid" or found.status == "refunded" then
    return conflict("Não é possível cancelar um QR Code pago.")
  elseif found.status ~= "pending" then
    return conflict("Não é possível cancelar um QR Code cancelado.")
  elseif found.amount ~= amount then
    return unknown("value")
  end
  context.move(found, "cancelled")
  return { status = 200, charge = found.id, body = json.object("status", context.word(found)) }
end

local function refund(context, request)
  local amount, refused = check_body(context, request)
  local found = amount and context.find(request.uuid)
  if not found then
    return refused or unknown("uuid")
  elseif found.status ~= "paid" then
    return conflict("Não é possível estornar um QR Code que não está pago.")
  elseif found.amount ~= amount then
    return field_error(400, "value", OTHER_VALUE)
  end
  context.move(found, "refunded")
  return { status = 200, charge = found.id, body = json.object("id", found.id,
    "value", json.raw(brcode.reais(request.fault_amount or found.amount)),
    "status", context.word(found)) }
end

M.handle = { token = token, charge = charge, status = status, cancel = cancel, refund = refund }

return M
