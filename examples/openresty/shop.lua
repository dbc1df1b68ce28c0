--- The shop's handlers: nginx.conf beside this file calls them.
local cjson = require "cjson.safe"
local pix = require "pix"
local ngx = require "ngx"

local M = {}

local PRICE = 1990 -- centavos
local PATIENCE = 25 -- seconds that the page's question may take
local KEEP = 86400 -- seconds

local payzu = assert(pix.payzu {
  api_key = os.getenv "PAYZU_API_KEY" or error "set PAYZU_API_KEY",
  base_url = os.getenv "PAYZU_BASE_URL", -- pix sandbox, for a try
  webhook_url = (os.getenv "SHOP_URL" or "http://127.0.0.1:8080") .. "/webhook",
})

--- Takes the provider's webhooks; whoever waits for that charge is woken, in whichever worker.
M.webhook = pix.webhook.handler {
  secret = os.getenv "PAYZU_WEBHOOK_SECRET" or error "set PAYZU_WEBHOOK_SECRET",
  dict = "pix_events",
  on_event = function(event)
    ngx.log(ngx.NOTICE, event.id, " is ", event.status)
    if M.on_event then M.on_event(event) end -- coffee.lua
  end,
}

M.provider = payzu

local function answer(status, value)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.say(cjson.encode(value))
end

-- Any worker may be asked about a charge: it lies in shared memory.
local function save(charge)
  local saved = {}
  for _, name in ipairs { "id", "provider", "status", "amount", "code", "code_kind", "sent" } do
    saved[name] = charge[name]
  end
  ngx.shared.charges:set(charge.id, cjson.encode(saved), KEEP)
end

local function find(id)
  local saved = ngx.shared.charges:get(id)
  if not saved then return answer(404, { error = "there is no such charge" }) end
  return assert(pix.charge(cjson.decode(saved), payzu))
end

--- POST /charges: a new charge.
function M.charge()
  if ngx.req.get_method() ~= "POST" then return answer(405, { error = "POST only" }) end
  local charge, err = payzu:charge { amount = PRICE, description = "Café" }
  if not charge then
    ngx.log(ngx.ERR, tostring(err))
    return answer(502, { error = err.kind, hint = err.hint })
  end
  save(charge)
  answer(201, { id = charge.id, code = charge.code, price = pix.format(charge.amount) })
end

--- GET /charges/ID: waits a while for the payment; the page asks again until it is over.
function M.wait(id)
  local charge = find(id)
  if not charge then return end
  charge:wait { timeout = PATIENCE }
  save(charge)
  answer(200, { status = charge.status })
end

--- GET /charges/ID/qr: the code as a picture.
function M.qr(id)
  local charge = find(id)
  if not charge then return end
  ngx.header["Content-Type"] = "image/svg+xml"
  ngx.print((assert(charge:qr "svg")))
end

local PAGE = [[
<!doctype html>
<html lang="pt-BR">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Café</title>
<style>
  body { font: 20px sans-serif; max-width: 24em; margin: 3em auto; text-align: center }
  img { width: 18em } textarea { width: 100%; font-size: 14px }
</style>
<h1>Café, @PRICE@</h1>
<p id="status"><button onclick="buy()">Pagar com Pix</button></p>
<div id="code"></div>
<script>
const show = text => document.getElementById("status").textContent = text
async function buy() {
  show("…")
  const reply = await fetch("/charges", { method: "POST" })
  const charge = await reply.json()
  if (!reply.ok) return show("Não deu certo: " + charge.error)
  document.getElementById("code").innerHTML =
    `<img src="/charges/${charge.id}/qr" alt="QR Code Pix">
     <textarea readonly>${charge.code}</textarea>`
  show("Aguardando o pagamento")
  let status = "pending"
  while (status == "pending" || status == "unknown")
    status = (await (await fetch("/charges/" + charge.id)).json()).status
  document.getElementById("code").innerHTML = ""
  show(status == "paid" ? "Pago. Obrigado!" : "Não foi pago: " + status)
}
</script>
]]

--- GET /: the page.
function M.page()
  ngx.header["Content-Type"] = "text/html; charset=utf-8"
  ngx.print((PAGE:gsub("@PRICE@", (pix.format(PRICE):gsub("%%", "%%%%")))))
end

return M
