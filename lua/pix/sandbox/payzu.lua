--- The simulated PayZu Plus (payzu-plus.txt): Pix charge, status, subscriptions, webhook bodies.
-- It repeats the documents' inconsistencies: names in Portuguese and in English, amounts as
-- numbers and as text, created_at in UTC beside updated_at in America/Sao_Paulo.
local brcode = require("pix.sandbox.brcode")
local document = require("pix.sandbox.document")
local json = require("pix.sandbox.json")
local random = require("pix.sandbox.random")

local M = {
  name = "payzu",
  prefix = "/payzu",
  id_members = { id = true, subscription_id = true },
  open = {},
  credentials = { api_key = "sandbox-payzu-key", webhook_secret = "sandbox-payzu-secret" },
  -- error_code: also a `code` member in errors, which the documents' table suggests
  options = { amount_in_code = true, error_code = false },
  -- The words of /pix/status; webhooks say them in English (WEBHOOK_WORDS).
  words = { pending = "pending", paid = "completed", expired = "expirado",
    cancelled = "cancelado", refunded = "refunded", rejected = "cancelado" },
  operations = { "charge", "status", "subscribe" },
  -- Test cards; every other number that passes Luhn is approved.
  cards = {
    ["4000000000000069"] = 4001,
    ["4000000000009995"] = 4002,
    ["4000000000000119"] = 5001,
    ["4000000000000259"] = 5002,
  },
  plans = { PLAN123 = { amount = 10000, days = 30 }, PLAN7 = { amount = 1990, days = 7 } },
}

local WEBHOOK_WORDS = { pending = "pending", paid = "completed", expired = "expired",
  cancelled = "canceled", refunded = "refunded", rejected = "canceled" }
local SALE_WORDS = { pending = "pendente", paid = "aprovado", expired = "cancelado",
  cancelled = "cancelado", refunded = "cancelado", rejected = "cancelado" }
local SAO_PAULO = -3 * 3600

-- "Códigos de Erro"; the HTTP status beside each is ours, only 400 is shown in the documents.
local ERRORS = {
  [401] = { 401, "Chave de API inválida" },
  [4001] = { 400, "Cartão expirado" },
  [4002] = { 400, "Cartão com fundos insuficientes" },
  [4003] = { 400, "CPF/CNPJ inválido" },
  [4004] = { 400, "Plano não encontrado" },
  [5001] = { 500, "Erro de processamento" },
  [5002] = { 503, "Serviço indisponível" },
}

local function failure(status, message, details)
  return { status = status, body = json.object("error", message,
    "details", details or "Verifique os logs") }
end

local function coded(context, code, message)
  local row = ERRORS[code]
  local numbered = context.options.error_code and json.raw(tostring(code)) or nil
  return { status = row[1], body = json.object("error", message or row[2],
    "details", "Verifique os logs", "code", numbered) }
end

local function missing(field)
  return failure(400, "Parâmetros inválidos", ("O campo %s é obrigatório."):format(field))
end

function M.denied(context)
  return coded(context, 401)
end

function M.not_found()
  return failure(404, "Recurso não encontrado")
end

function M.authorised(context, request)
  return request.headers["x-api-key"] == context.credentials.api_key
end

local ROUTES = {
  ["/pix/create"] = "charge",
  ["/pix/status"] = "status",
  ["/plan/create-signature"] = "subscribe",
  ["/plan/create-deferred-signature"] = "subscribe",
}

function M.route(request)
  request.deferred = request.path == "/plan/create-deferred-signature"
  return request.method == "POST" and ROUTES[request.path] or nil
end

local function centavos(amount)
  local value = (tonumber(amount) or 0) * 100
  local rounded = math.floor(value + 0.5)
  return rounded >= 1 and rounded <= 1e11 and math.abs(value - rounded) < 1e-4 and rounded or nil
end

local function url_of(code)
  local escaped = code:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end)
  return "https://api.qrserver.com/v1/create-qr-code/?size=150x150&data=" .. escaped
end

local function customer_of(data)
  return type(data.customer) == "table" and data.customer or {}
end

local function check_charge(context, data)
  if data.amount == nil or data.amount == "" then
    return missing("amount")
  elseif not centavos(data.amount) then
    return failure(400, "Parâmetros inválidos", "O campo amount é inválido.")
  elseif not json.text(data.webhook) then
    return missing("webhook")
  elseif not data.webhook:match("^https?://[^%s]+$") then
    return failure(400, "Parâmetros inválidos", "O campo webhook é inválido.")
  end
  local papers = customer_of(data).document
  if papers ~= nil and not document.valid(papers) then
    return coded(context, 4003, "CPF inválido")
  end
  return nil
end

local function charge(context, request)
  local data = request.data or {}
  local refused = check_charge(context, data)
  if refused then
    return refused
  end
  local id, amount = "PIX" .. random.digits(12), centavos(data.amount)
  local shown = request.fault_amount or context.options.amount_in_code and amount or nil
  local code = brcode.encode({ url = "pix.sandbox.invalid/qr/v3/at/" .. random.uuid(),
    amount = shown, name = "PAYZU SANDBOX", city = "TEIXEIRA_DE_FR" })
  local buyer = customer_of(data)
  context.add({ id = id, amount = amount, code = code, webhook = data.webhook,
    payer = json.text(buyer.nome), email = json.text(buyer.email),
    document = json.text(buyer.document), sale = random.digits(2) })
  return { status = 200, charge = id, body = json.object("id", id, "qrCodeText", code,
    "qrCodeUrl", url_of(code), "status", "PENDING") }
end

local function time(seconds, offset)
  return os.date("!%Y-%m-%d %H:%M:%S", seconds + (offset or 0))
end

local function status(context, request)
  local id = json.text((request.data or {}).id)
  local found = id and context.find(id)
  if not found then
    return id and failure(404, "Transação não encontrada") or missing("id")
  end
  local created, code = time(found.created_at), found.code
  local transaction = json.object("id", id, "status", context.word(found),
    "created_at", created, "updated_at", time(found.updated_at, SAO_PAULO),
    "qr_code", json.object("text", code, "url", url_of(code)))
  local sale = json.object("status", SALE_WORDS[found.status],
    "valor", json.raw(brcode.reais(request.fault_amount or found.amount)),
    "created_at", created, "comprador", json.object("nome", found.payer, "email", found.email))
  return { status = 200, charge = id,
    body = json.object("transaction", transaction, "venda", sale) }
end

--- The body of the webhook that tells of a charge's present status ("Formato do Webhook").
function M.event(charge_)
  local created, updated = time(charge_.created_at), time(charge_.updated_at, SAO_PAULO)
  local reais = brcode.reais(charge_.amount)
  local transaction = json.object("id", charge_.id,
    "status", charge_.raw_status or WEBHOOK_WORDS[charge_.status],
    "created_at", created, "updated_at", updated,
    "amount", json.raw((reais:gsub("%.00$", ""))),
    "qr_code", json.object("text", charge_.code, "url", url_of(charge_.code)))
  local sale = json.object("id", charge_.sale, "status", SALE_WORDS[charge_.status],
    "valor", reais, "created_at", created,
    "approved_at", charge_.status == "paid" and updated or nil,
    "comprador", json.object("nome", charge_.payer, "documento", charge_.document))
  return json.encode(json.object("transaction", transaction, "venda", sale))
end

local SUBSCRIBE_FIELDS = {
  customer = { "name", "identity", "email", "phone" },
  payment = { "card_number", "security_code", "expiration_date", "card_holder_name" },
}

local function check_subscription(data)
  if not json.text(data.plan_id) then
    return missing("plan_id")
  end
  for _, group in ipairs({ "customer", "payment" }) do
    local given = type(data[group]) == "table" and data[group] or {}
    for _, field in ipairs(SUBSCRIBE_FIELDS[group]) do
      if not json.text(given[field]) then
        return missing(group .. "." .. field)
      end
    end
  end
  return nil
end

-- The code of "Códigos de Erro" that ends this subscription, a refusal, or nil.
local function decline(context, data)
  local card = data.payment
  if not M.plans[data.plan_id] then
    return 4004
  elseif not document.valid(data.customer.identity) then
    return 4003
  end
  local number = card.card_number:gsub(" ", "")
  local expired = document.expired(card.expiration_date, context.now())
  if not document.luhn(number) or expired == nil or not card.security_code:match("^%d%d%d%d?$") then
    return nil, failure(400, "Cartão inválido")
  end
  return expired and 4001 or M.cards[number]
end

local function approve(context, request, plan)
  local id, transaction = "SUB" .. random.hex(14), "TRX" .. random.digits(9)
  local next_charge = time(context.now() + plan.days * 86400, SAO_PAULO)
  context.ledger:subscribe({ id = id, provider = M.name, plan = request.data.plan_id,
    amount = plan.amount, trial = request.deferred, transaction = transaction,
    created_by_request = request.n })
  if request.deferred then
    return json.object("success", true, "message", "Pré-Autorização realizada com sucesso",
      "subscription_id", id, "transaction_id", transaction, "status", "aprovado",
      "trial_ends_at", next_charge, "first_charge_date", next_charge)
  end
  local net = brcode.reais(math.floor(plan.amount * 955 / 1000))
  return json.object("success", true, "message", "Transação aprovada", "subscription_id", id,
    "transaction_id", transaction, "status", "aprovado", "valor_liquido", json.raw(net),
    "data_liberacao", next_charge, "proxima_cobranca", next_charge)
end

local function subscribe(context, request)
  local data = request.data or {}
  local refused = check_subscription(data)
  if refused then
    return refused
  end
  local code, malformed = decline(context, data)
  if code then
    return coded(context, code)
  end
  return malformed or { status = 200, body = approve(context, request, M.plans[data.plan_id]) }
end

M.handle = { charge = charge, status = status, subscribe = subscribe }

return M
