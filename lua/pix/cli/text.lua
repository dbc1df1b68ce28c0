--- What `pix` says, in English and in Portuguese. A message is a string for string.format.
-- What only a programmer sees (--help, --json, hints about options) is in English alone.
local M = {}

M.en = {
  error = "error", hint = "hint", field = "field",
  sent_no = "nothing was sent",
  sent_maybe = "IT MAY HAVE REACHED THE PROVIDER: look there before you repeat it",
  sent_yes = "the provider answered",
  exists = "the charge %s exists at the provider",
  charge_made = "Charge of %s at %s",
  copy_and_paste = "Pix copy and paste:",
  scan = "Scan with the bank's app:",
  no_qr = "The QR code needs a window of %d × %d, and this one has %d × %d.",
  no_qr_picture = "As a picture: %s",
  qr_written = "QR code written to %s",
  waiting = "waiting for the payment  %s left  (Ctrl-C cancels the charge)",
  waiting_keep = "waiting for the payment  %s left  (Ctrl-C ends the waiting)",
  retrying = "no answer, trying on",
  pending = "not paid yet", paid = "PAID", expired = "expired", cancelled = "cancelled",
  refunded = "refunded", rejected = "rejected", unknown = "unknown",
  late = "paid late, after the charge had ended",
  interrupted = "Interrupted.",
  under_way = "Interrupted, but the request is on its way: waiting for its answer…",
  timed_out = "Not paid within %s.",
  cancelling = "Cancelling the charge…",
  now_cancelled = "The charge %s was cancelled at %s: it can no longer be paid, no money moved.",
  still_payable = "The charge %s STAYS PAYABLE at %s: %s. If somebody pays it, the money arrives.",
  cannot_cancel = "this provider has no cancellation",
  cancel_failed = "cancelling failed",
  kept = "as asked by --keep",
  paid_after_all = "The charge %s was PAID before it could be cancelled: the money arrived.",
  not_known = "The state of charge %s at %s is not known: ask with pix status.",
  no_charge = "No charge was made.",
  maybe_charge = "Whether a charge was made is not known. Its code was never shown.",
  refunded_of = "The charge %s was refunded: %s go back to the payer.",
  id = "id", status = "status", amount = "amount", made = "made", provider = "provider",
  nothing_found = "No charges found.",
  subscribed = "Subscription %s: %s",
  sub_paid = "paid", sub_pending = "begun, nothing is charged yet",
  next_charge = "next charge", trial_ends = "trial ends", transaction = "transaction",
  card_number = "Card number: ", card_cvv = "Security code: ", card_expiry = "Expiry (MM/YYYY): ",
  card_holder = "Name on the card: ",
  sandbox = "A private sandbox: no money moves, and it ends with this command.",
  sandbox_lines = "The sandbox simulates the providers; no money moves. For another shell:",
  sandbox_words = "Type pay, expire, reject, cancel or refund [beginning of an id], list, reset, "
    .. "quit",
  copied = "(handed to the terminal's clipboard)",
  valid_code = "A valid BR Code",
  receiver = "receiver", city = "city", key = "Pix key", url = "payload at", txid = "txid",
  info = "message", kind = "kind", static = "static", dynamic = "dynamic",
  any_amount = "the payer's choice", at_the_bank = "known to the bank", recurrence = "recurrence",
  postal_code = "postal code", mcc = "merchant category", checksum = "checksum",
  good = "all is well", bad = "%d found wrong",
  no_credentials = "no credentials", missing = "missing: %s", credentials = "credentials",
  present = "present", accepted = "accepted", reached = "reached in %d ms", clock = "clock",
  not_asked = "not asked", tls_verified = "certificate verified",
  tls_loopback = "plain HTTP, on this machine only", tls_none = "PLAIN HTTP",
  clock_wrong = "this machine's clock says %s: TLS and card dates depend on it",
  ip_hint = "this machine's address may have to be released (IP allow-list) by %s",
  tls_hint = "look at the clock, the system's certificates, and PIX_CA_FILE",
  network_hint = "look at the address, the name server, the firewall, and PIX_PROXY",
  signed_in = "can", configured = "configured", yes = "yes", no = "no",
  state = "state", reference = "reference", orphan = "orphan", owed = "to be given back",
  state_intent = "begun", state_sent = "sent", state_unknown = "UNKNOWN",
  state_answered = "answered", state_failed = "not done",
  journal_empty = "The journal has no such operation.",
  journal_lacks = "the journal has no operation, order or charge %s",
  resolved = "The operation %s is resolved: %s.",
}

M.pt = {
  error = "erro", hint = "dica", field = "campo",
  sent_no = "nada foi enviado",
  sent_maybe = "PODE TER CHEGADO AO PROVEDOR: verifique lá antes de repetir",
  sent_yes = "o provedor respondeu",
  exists = "a cobrança %s existe no provedor",
  charge_made = "Cobrança de %s em %s",
  copy_and_paste = "Pix copia e cola:",
  scan = "Leia com o app do banco:",
  no_qr = "O QR code precisa de uma janela de %d × %d, e esta tem %d × %d.",
  no_qr_picture = "Como imagem: %s",
  qr_written = "QR code gravado em %s",
  waiting = "aguardando o pagamento  faltam %s  (Ctrl-C cancela a cobrança)",
  waiting_keep = "aguardando o pagamento  faltam %s  (Ctrl-C encerra a espera)",
  retrying = "sem resposta, tentando de novo",
  pending = "ainda não paga", paid = "PAGA", expired = "expirada", cancelled = "cancelada",
  refunded = "estornada", rejected = "rejeitada", unknown = "desconhecida",
  late = "paga com atraso, depois de encerrada",
  interrupted = "Interrompido.",
  under_way = "Interrompido, mas o pedido já foi enviado: aguardando a resposta…",
  timed_out = "Não foi paga em %s.",
  cancelling = "Cancelando a cobrança…",
  now_cancelled = "A cobrança %s foi cancelada em %s: não pode mais ser paga, nada foi pago.",
  still_payable = "A cobrança %s CONTINUA PAGÁVEL em %s: %s. Se alguém pagar, o dinheiro entra.",
  cannot_cancel = "este provedor não tem cancelamento",
  cancel_failed = "o cancelamento falhou",
  kept = "como pedido por --keep",
  paid_after_all = "A cobrança %s foi PAGA antes do cancelamento: o dinheiro entrou.",
  not_known = "Não se sabe o estado da cobrança %s em %s: consulte com pix status.",
  no_charge = "Nenhuma cobrança foi criada.",
  maybe_charge = "Não se sabe se uma cobrança foi criada. O código nunca foi mostrado.",
  refunded_of = "A cobrança %s foi estornada: %s voltam ao pagador.",
  id = "id", status = "situação", amount = "valor", made = "criada", provider = "provedor",
  nothing_found = "Nenhuma cobrança encontrada.",
  subscribed = "Assinatura %s: %s",
  sub_paid = "paga", sub_pending = "iniciada, nada foi cobrado ainda",
  next_charge = "próxima cobrança", trial_ends = "fim do teste", transaction = "transação",
  card_number = "Número do cartão: ", card_cvv = "Código de segurança: ",
  card_expiry = "Validade (MM/AAAA): ", card_holder = "Nome no cartão: ",
  sandbox = "Um sandbox próprio: nenhum dinheiro se move, e ele termina com este comando.",
  sandbox_lines = "O sandbox simula os provedores; nenhum dinheiro se move. Em outro terminal:",
  sandbox_words = "Digite pay, expire, reject, cancel ou refund [começo de um id], list, reset, "
    .. "quit",
  copied = "(entregue à área de transferência do terminal)",
  valid_code = "BR Code válido",
  receiver = "recebedor", city = "cidade", key = "chave Pix", url = "dados em", txid = "txid",
  info = "mensagem", kind = "tipo", static = "estático", dynamic = "dinâmico",
  any_amount = "o pagador escolhe", at_the_bank = "consta no banco", recurrence = "recorrência",
  postal_code = "CEP", mcc = "ramo (MCC)", checksum = "verificador",
  good = "tudo em ordem", bad = "problemas: %d",
  no_credentials = "sem credenciais", missing = "faltam: %s", credentials = "credenciais",
  present = "presentes", accepted = "aceitas", reached = "respondeu em %d ms", clock = "relógio",
  not_asked = "não consultado", tls_verified = "certificado verificado",
  tls_loopback = "HTTP simples, só nesta máquina", tls_none = "HTTP SIMPLES",
  clock_wrong = "o relógio desta máquina diz %s: TLS e validade de cartões dependem dele",
  ip_hint = "o endereço IP desta máquina talvez precise ser liberado por %s",
  tls_hint = "confira o relógio, os certificados do sistema e PIX_CA_FILE",
  network_hint = "confira o endereço, o DNS, o firewall e PIX_PROXY",
  signed_in = "faz", configured = "configurado", yes = "sim", no = "não",
  state = "estado", reference = "referência", orphan = "órfã", owed = "a devolver",
  state_intent = "iniciada", state_sent = "enviada", state_unknown = "DESCONHECIDO",
  state_answered = "respondida", state_failed = "não feita",
  journal_empty = "O registro não tem tal operação.",
  journal_lacks = "o registro não tem operação, pedido ou cobrança %s",
  resolved = "A operação %s está resolvida: %s.",
}

-- What an error's kind means, for those who take the payment.
M.kinds = {
  en = {
    config = "settings are missing or wrong", invalid = "the data are not valid",
    unsupported = "this provider cannot do it", auth = "the credentials were refused",
    declined = "declined", not_found = "not found", conflict = "the charge's state forbids it",
    rate_limited = "too many requests", unavailable = "the provider has a fault",
    network = "no connection", timeout = "no answer in time",
    protocol = "the answer was not understood", mismatch = "the answer is for another amount",
    cancelled = "cancelled", journal = "the journal failed", internal = "a defect of luapix",
  },
  pt = {
    config = "configuração ausente ou errada", invalid = "dados inválidos",
    unsupported = "este provedor não faz isso", auth = "credenciais recusadas",
    declined = "recusado", not_found = "não encontrado",
    conflict = "a situação da cobrança não permite", rate_limited = "pedidos demais",
    unavailable = "o provedor está com falha", network = "sem conexão",
    timeout = "sem resposta a tempo", protocol = "resposta incompreensível",
    mismatch = "a resposta é de outro valor", cancelled = "cancelado",
    journal = "falha no registro", internal = "defeito do luapix",
  },
}

-- The core's hints, which are in English, by their kind of error; other hints stay as they are.
M.hints = {
  pt = {
    config = "corrija a configuração do provedor",
    invalid = "corrija o campo indicado; os mesmos dados seriam recusados de novo",
    unsupported = "este provedor não faz isso; pix providers mostra o que cada um faz",
    auth = "confira as credenciais, e se o IP desta máquina está liberado no provedor",
    declined = "peça ao pagador outro cartão ou outra forma de pagar",
    not_found = "confira o id, e se ele pertence a estas credenciais",
    conflict = "consulte a situação da cobrança: ela não permite isto",
    rate_limited = "espere o tempo pedido e repita",
    unavailable = "a falha é do provedor; veja \"sent\" antes de repetir",
    network = "veja \"sent\": com \"no\" pode repetir sem risco",
    timeout = "veja \"sent\": com \"no\" pode repetir sem risco",
    protocol = "a resposta do provedor não foi entendida; veja \"sent\" antes de repetir",
    mismatch = "não mostre este código: não é do valor pedido",
    cancelled = "a chamada foi cancelada; veja \"sent\" antes de repetir",
    journal = "nada foi enviado; conserte o registro primeiro",
    internal = "por favor informe isto com a mensagem",
  },
}

--- A hint in a language: the core's own are translated.
-- @tparam string language
-- @tparam table err
-- @tparam function default kind → the core's hint in English
function M.hint(language, err, default)
  local translated = M.hints[language] and M.hints[language][err.kind]
  if translated and err.hint == default(err.kind) then
    return translated
  end
  return err.hint
end

--- The language of `--lang`, or of the environment: "pt" or "en".
function M.language(asked, getenv)
  if asked then
    return asked
  end
  for _, name in ipairs({ "LC_ALL", "LC_MESSAGES", "LANG" }) do
    local value = getenv(name) or ""
    if value ~= "" then
      return value:match("^pt") and "pt" or "en"
    end
  end
  return "en"
end

--- say(key, …): the message in a language.
function M.speaker(language)
  local messages = M[language]
  return function(key, ...)
    local message = messages[key] or error("pix.cli: no message " .. tostring(key), 2)
    return select("#", ...) > 0 and message:format(...) or message
  end
end

return M
