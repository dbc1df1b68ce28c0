--- What a client of the simulated providers says, for the sandbox's own specs.
local cjson = require("cjson")
local curl = require("spec.support.curl")

local M = {}

M.CPF = "52998224725"

local function merge(base, changes)
  for name, value in pairs(changes or {}) do
    base[name] = value
  end
  return base
end

--- POST (or `method`) of JSON below a provider's base URL; `data` is a table or text.
-- The reply has `data`, its decoded body, where it is JSON.
function M.call(sb, provider, path, data, extra)
  local request = merge({ url = sb.url[provider] .. path }, extra)
  request.body = type(data) == "table" and cjson.encode(data) or data
  local reply = curl.request(request)
  local ok, decoded = pcall(cjson.decode, reply.body or "")
  reply.data = ok and decoded or nil
  return reply
end

local function bearer(token)
  return { "Authorization: Bearer " .. tostring(token) }
end

function M.detseg_token(sb, changes)
  return M.call(sb, "detseg", "/token", merge({ client_id = sb.credentials.detseg.client_id,
    client_token = sb.credentials.detseg.client_token, client_environment = "prd" }, changes))
end

function M.ssg_token(sb, changes)
  return M.call(sb, "ssg", "/oauth/token", merge({ grant_type = "client_credentials",
    client_id = sb.credentials.ssg.client_id,
    client_secret = sb.credentials.ssg.client_secret }, changes))
end

--- A client of one provider with a token or key: `client(path, data, extra)`.
function M.open(sb, provider)
  local headers
  if provider == "payzu" then
    headers = { "X-Api-Key: " .. sb.credentials.payzu.api_key }
  else
    headers = bearer(M[provider .. "_token"](sb).data.access_token)
  end
  return function(path, data, extra)
    return M.call(sb, provider, path, data, merge({ headers = headers }, extra))
  end, headers
end

--- Bodies of good charges; `changes` replaces members.
function M.detseg_body(changes)
  return merge({ identification = M.CPF, full_name = "Nome do Pagador",
    email = "pagador@example.com", phone_number = "+5511999999999", amount = 19.9 }, changes)
end

function M.ssg_body(sb, value)
  return ('{"value":%s,"device_code":"%s"}'):format(value or "19.90",
    sb.credentials.ssg.device_code)
end

function M.payzu_body(changes)
  return merge({ amount = 19.9, webhook = "https://loja.example/hook",
    customer = { nome = "Ana", document = M.CPF } }, changes)
end

--- The body of a subscription; `card` replaces members of payment.
function M.subscription_body(card, changes)
  return merge({ plan_id = "PLAN123",
    customer = { name = "Ana", identity = M.CPF, email = "ana@example.com",
      phone = "+5511999999999" },
    payment = merge({ card_number = "4111111111111111", security_code = "123",
      expiration_date = "12/2099", card_holder_name = "ANA SILVA" }, card) }, changes)
end

--- Makes one charge and returns its id and the reply.
function M.charge(sb, provider, client)
  if provider == "detseg" then
    local reply = client("/transactions/buy", M.detseg_body())
    return reply.data and reply.data.transaction_id, reply
  elseif provider == "ssg" then
    local reply = client("/api/qrcode/new", M.ssg_body(sb))
    return reply.data and reply.data.id, reply
  end
  local reply = client("/pix/create", M.payzu_body())
  return reply.data and reply.data.id, reply
end

return M
