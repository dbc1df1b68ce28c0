---@meta pix
--- LuaCATS annotations for editors (lua-language-server); nothing here runs. The reference with
--- examples is in docs/.

---@alias pix.status "pending"|"paid"|"expired"|"cancelled"|"refunded"|"rejected"|"unknown"
---@alias pix.final "paid"|"expired"|"cancelled"|"refunded"|"rejected"
---@alias pix.sent "no"|"maybe"|"yes"
---@alias pix.kind
---| "config" # an option of the provider
---| "invalid" # an argument; the same data would be refused again
---| "unsupported" # this provider cannot do it
---| "auth"
---| "declined"
---| "not_found"
---| "conflict" # the charge's state does not allow it
---| "rate_limited"
---| "unavailable" # a fault of the provider's own
---| "network"
---| "timeout"
---| "protocol" # the answer was not understood
---| "mismatch" # the code is not for the amount that was asked
---| "cancelled"
---| "journal"
---| "internal"
---@alias pix.operation "charge"|"status"|"cancel"|"refund"|"search"|"subscribe"|"check"
---@alias pix.money integer|string whole centavos, or text: "19.90", "R$ 1.234,56"

---@class pix.error
---@field kind pix.kind
---@field sent pix.sent what is known of the request's bytes
---@field provider? string
---@field operation? string
---@field http_status? integer
---@field code? string the provider's own code
---@field message string the provider's words, or luapix's
---@field fields? table<string, string[]> messages by argument
---@field retry_after? number seconds
---@field attempts? integer
---@field hint string what to do next

---@class pix.payer
---@field name? string
---@field tax_id? string CPF or CNPJ
---@field email? string
---@field phone? string

---@class pix.charge_args
---@field amount pix.money
---@field description? string
---@field payer? pix.payer
---@field webhook? string
---@field timeout? number seconds for this call

---@class pix.charge_data
---@field id string
---@field provider string
---@field status pix.status
---@field raw_status? string the provider's own word
---@field amount? integer centavos
---@field code? string
---@field code_kind? "brcode"|"base64-json"|"opaque"
---@field qr_png? string base64, where the provider gave a picture
---@field late? boolean paid after it had expired or been cancelled
---@field reference? string of a checkout's order
---@field attempts? integer tries that a checkout needed
---@field sent? pix.sent
---@field raw? table the provider's reply

---@class pix.wait_options
---@field timeout? number seconds; 300
---@field on_poll? fun(charge: pix.charge, err: pix.error?)
---@field every? number seconds between two looks, all along; 2-3 at first, then more
---@field per_minute? number most looks a minute at this provider object; 40

---@class pix.charge: pix.charge_data
local Charge = {}
---@async
---@return pix.status? status
---@return pix.error? err
function Charge:refresh() end
---@async
---@return pix.status? status
---@return pix.error? err
function Charge:cancel() end
---@async
---@return pix.status? status
---@return pix.error? err
function Charge:refund() end
---@async
---@param options? pix.wait_options
---@return pix.final? status
---@return pix.error? err
function Charge:wait(options) end
---@param format? "png"|"svg"|"text"|"matrix" "text"
---@param options? pix.qr_options
---@return string|boolean[][]|nil picture
---@return pix.error? err
function Charge:qr(format, options) end

---@class pix.heard
---@field provider string
---@field status pix.status
---@field raw_status? string
---@field amount? integer
---@field sent pix.sent
---@field raw? table

---@class pix.future
local Future = {}
---@return boolean
function Future:ready() end
---@return any value
---@return pix.error? err
function Future:result() end
function Future:cancel() end
---@return "timer"|"call"|"promise" kind
---@return string operation
function Future:what() end

--- For the doorbell: docs/internals/doorbell.md.
---@return string
function Future:id() end

---@class pix.task
local Task = {}
---@async
---@param timeout? number seconds
---@return any ...
function Task:await(timeout) end
function Task:cancel() end
---@return boolean
function Task:done() end
---@return any ...
function Task:result() end

---@class pix.provider
local Provider = {}
---@async
---@param args pix.charge_args
---@return pix.charge? charge
---@return pix.error? err
function Provider:charge(args) end
---@async
---@param charge pix.charge_data|string a charge or its id
---@return pix.heard? heard
---@return pix.error? err
function Provider:status(charge) end
---@async
---@param charge pix.charge_data|{id: string, amount: pix.money}
---@return pix.heard? heard
---@return pix.error? err
function Provider:cancel(charge) end
---@async
---@param charge pix.charge_data|{id: string, amount: pix.money}
---@return pix.heard? heard
---@return pix.error? err
function Provider:refund(charge) end
---@async
---@param query {from: any, to: any}|{id: string}
---@return table[]? transactions
---@return pix.error? err
function Provider:search(query) end
---@async
---@param args {plan: string, payer: pix.payer, card: pix.card, trial: boolean?, send_confirmation: boolean?}
---@return table? subscription
---@return pix.error? err
function Provider:subscribe(args) end
---@async
---@return true? good
---@return pix.error? err
function Provider:check() end
---@param operation pix.operation
---@param args? any
---@return pix.future
function Provider:start(operation, args) end
---@param operation pix.operation
---@return boolean
function Provider:supports(operation) end
---@return string
function Provider:name() end
---@return string
function Provider:base_url() end
---@return number seconds
function Provider:timeout() end

---@class pix.options
---@field base_url? string
---@field timeout? number seconds; 15
---@field connect_timeout? number seconds; 5
---@field ca_file? string
---@field pinned_public_key? string
---@field proxy? string
---@field allow_http? boolean
---@field max_response? integer bytes; 1 MiB
---@field max_connections? integer
---@field validate? boolean

---@class pix.ssg_options: pix.options
---@field client_id string
---@field client_secret string
---@field device_code string
---@field value_as? "number"|"string"

---@class pix.detseg_options: pix.options
---@field client_id string
---@field client_token string
---@field dialect? "transactions"|"payment"
---@field user_id? string for dialect "payment"
---@field amount_unit? "reais"|"centavos"

---@class pix.payzu_options: pix.options
---@field api_key string
---@field webhook_url? string
---@field webhook_secret? string

---@class pix.card

---@class pix.qr_options
---@field scale? integer pixels per module; 8
---@field margin? integer modules; 4
---@field level? "L"|"M"|"Q"|"H" "M"
---@field colour? boolean text only: black on white by ANSI codes

---@class pix.brcode
---@field key? string of a static code
---@field url? string of a dynamic code
---@field amount? integer centavos
---@field name string
---@field city string
---@field txid? string
---@field info? string
---@field postal_code? string
---@field mcc? string

---@class pix.event
---@field provider string
---@field id string
---@field status pix.status
---@field raw_status? string
---@field amount? integer
---@field key string the same for a repeated event
---@field raw table

---@class pix.handler_options
---@field secret string|string[]
---@field on_event fun(event: pix.event)
---@field dict? string name of a lua_shared_dict
---@field remember? number seconds; 86400
---@field max_body? integer bytes; 65536
---@field provider? string
---@field header? string

---@alias pix.strategy "failover"|"round_robin"|"weighted"|"fastest"|"success_rate"|"cheapest"

---@class pix.fee
---@field percent? number
---@field fixed? integer centavos

---@class pix.rule
---@field when {amount?: {over?: integer, under?: integer, at_least?: integer, at_most?: integer}, operation?: "charge"|"subscribe", tax_id?: "cpf"|"cnpj"|"none"}
---@field use string[]

---@class pix.budget
---@field concurrency? integer 64
---@field per_minute? integer 0 = no limit
---@field polls_at_once? integer 8
---@field polls_per_minute? integer 40
---@field look_every? number seconds between two looks at a charge that somebody waits for

---@class pix.checkout_event
---@field id string the same whenever it is told
---@field type string "charge.paid" …; docs/events.md
---@field at number
---@field reference? string
---@field kind? "charge"|"subscribe"|"cancel"|"refund"
---@field operation? string
---@field provider? string
---@field amount? integer
---@field status? pix.status
---@field charge? pix.charge
---@field needs_person? boolean
---@field reason? string

---@class pix.checkout_options
---@field [integer] pix.provider
---@field select? pix.strategy|fun(facts: table, names: string[]): string[]
---@field rules? pix.rule[]
---@field weights? table<string, number>
---@field fees? table<string, pix.fee>
---@field retry? {attempts?: integer, base?: number, cap?: number}
---@field deadline? number seconds; 30
---@field on_unknown? "stop"|"orphan"
---@field journal? string|false a path, "postgres://…", or false: in memory
---@field worker? string
---@field on_event? fun(event: pix.checkout_event)
---@field breaker? {faults?: integer, window?: number, open?: number, longest?: number}
---@field budget? table<string, pix.budget>
---@field expires_in? number seconds; 3600
---@field log? true|fun(line: string)

---@class pix.order: pix.charge_args
---@field reference? string
---@field deadline? number
---@field expires_in? number

---@class pix.plan
---@field chosen? string
---@field order string[]
---@field out table<string, string>
---@field why string
---@field rule? integer
---@field strategy string

---@class pix.shop
local Shop = {}
---@async
---@param args pix.order
---@return pix.charge? charge
---@return pix.error? err
function Shop:charge(args) end
---@async
---@param args table
---@return table? subscription
---@return pix.error? err
function Shop:subscribe(args) end
---@async
---@param charge pix.charge|string
---@return pix.status? status
---@return pix.error? err
function Shop:status(charge) end
---@async
---@param charge pix.charge|string
---@return pix.status? status
---@return pix.error? err
function Shop:cancel(charge) end
---@async
---@param charge pix.charge|string
---@return pix.status? status
---@return pix.error? err
function Shop:refund(charge) end
---@param args pix.order
---@return pix.plan? plan
---@return pix.error? err
function Shop:explain(args) end
---@async
---@param event pix.event
---@return pix.status|"unmatched"|nil status
---@return pix.error? err
function Shop:webhook(event) end
---@async
---@param settings? {idle?: boolean, for?: number}
---@return true? ended
---@return pix.error? err
function Shop:watch(settings) end
---@async
---@param settings? {sole?: boolean}
---@return {unknown: integer, resolved: integer, waiting: integer}? summary
---@return pix.error? err
function Shop:recover(settings) end
function Shop:close() end

---@class pix.host
---@field name string
---@field await fun(future: pix.future, seconds: number?): boolean
---@field await_any? fun(futures: pix.future[], seconds: number?): boolean
---@field active? fun(): boolean
---@field spawn? fun(f: fun())

---@class pix.reply
---@field status? integer 200
---@field body? table|string
---@field headers? table<string, string|number>
---@field delay? number seconds
---@field hang? boolean

---@class pix.request
---@field id string
---@field once boolean libcurl may not send it again by itself
---@field provider string
---@field operation pix.operation|"token"
---@field method string
---@field url string
---@field path string
---@field query string
---@field headers table<string, string>
---@field body string
---@field json table
---@field at number
---@field timeout number

---@class pix.test
local Test = {}
---@param provider string
---@param operation pix.operation|"token"
---@param reply pix.reply|fun(request: pix.request): pix.reply?
---@return pix.test
function Test:reply(provider, operation, reply) end
---@param provider string
---@param operation pix.operation|"token"
---@param handler? fun(request: pix.request): pix.reply?
---@return pix.test
function Test:handle(provider, operation, handler) end
---@param provider string
---@param operation pix.operation|"token"
---@param failure {kind: "network"|"timeout"|"protocol", sent: "no"|"maybe", message: string?, delay: number?}
---@return pix.test
function Test:fail(provider, operation, failure) end
---@param provider? string
---@param operation? pix.operation|"token"
---@return pix.request[]
function Test:requests(provider, operation) end
---@return string[]
function Test:unused() end
---@param charge pix.charge|string
---@return pix.test
function Test:pay(charge) end
---@param charge pix.charge|string
---@return pix.test
function Test:expire(charge) end
---@param charge pix.charge|string
---@return pix.test
function Test:reject(charge) end
---@param charge pix.charge|string
---@return pix.test
function Test:cancel(charge) end
---@param charge pix.charge|string
---@return pix.test
function Test:refund(charge) end
---@param charge pix.charge|string
---@param secret string
---@return string body
---@return string signature
function Test:webhook(charge, secret) end
---@param body string
---@param secret string
---@return string signature
function Test:sign(body, secret) end
---@async
---@param seconds number
function Test:advance(seconds) end
---@return number seconds
function Test:now() end
function Test:stop() end

---@class pix
---@field version string
local pix = {}

---@param options pix.ssg_options
---@return pix.provider? provider
---@return pix.error? err
function pix.ssg(options) end
---@param options pix.detseg_options
---@return pix.provider? provider
---@return pix.error? err
function pix.detseg(options) end
---@param options pix.payzu_options
---@return pix.provider? provider
---@return pix.error? err
function pix.payzu(options) end
---@param name string
---@param options pix.options
---@return pix.provider? provider
---@return pix.error? err
function pix.provider(name, options) end
---@return string[]
function pix.providers() end

---@param saved table
---@param provider? pix.provider
---@return pix.charge? charge
---@return pix.error? err
function pix.charge(saved, provider) end
---@param details {number: string, cvv: string, expiry: string, holder: string, validate: boolean?}
---@return pix.card? card
---@return pix.error? err
function pix.card(details) end

---@param value pix.money
---@return integer? centavos
---@return pix.error? err
function pix.money(value) end
---@param centavos integer
---@return string
function pix.format(centavos) end
---@param text string
---@return "cpf"|"cnpj"|nil kind
---@return string|pix.error digits
function pix.tax_id(text) end
---@param text string
---@return string? number
---@return pix.error? err
function pix.phone(text) end
---@param text string
---@param format? "png"|"svg"|"text"|"matrix"
---@param options? pix.qr_options
---@return string|boolean[][]|nil picture
---@return pix.error? err
function pix.qr(text, format, options) end

pix.brcode = {}
---@param text string
---@return pix.brcode? code
---@return pix.error? err
function pix.brcode.decode(text) end
---@param code pix.brcode
---@return string? text
---@return pix.error? err
function pix.brcode.encode(code) end

pix.webhook = {}
---@param body string
---@param signature string?
---@param secret string|string[]
---@param provider? string
---@return pix.event? event
---@return pix.error? err
function pix.webhook.verify(body, signature, secret, provider) end
--- From now on charge:wait can be woken.
function pix.webhook.listen() end
--- Whoever waits for the charge that the event speaks of looks at once.
---@param event pix.event
function pix.webhook.wake(event) end
--- The handler of a location in OpenResty: docs/openresty.md.
---@param options pix.handler_options
---@return fun() handler
function pix.webhook.handler(options) end

---@param f fun(...: any): any
---@param ... any
---@return any ...
function pix.run(f, ...) end
---@param f fun(...: any): any
---@param ... any
---@return pix.task
function pix.spawn(f, ...) end
---@async
---@param seconds number
---@return true? slept
---@return pix.error? err
function pix.sleep(seconds) end
---@async
---@param subject pix.future|pix.task
---@param timeout? number
---@return any ...
function pix.await(subject, timeout) end
---@async
---@param list (pix.future|pix.task|function)[]
---@param timeout? number
---@return table? results
---@return table? errors
function pix.all(list, timeout) end
---@async
---@param list (pix.future|pix.task|function)[]
---@param timeout? number
---@return any value
---@return integer|pix.error place
function pix.any(list, timeout) end
---@param host? "copas"|"luv"|"cqueues"|"openresty"|"love"|"scheduler"|"blocking"|pix.host
---@return string|pix.host|nil former
function pix.use(host) end
---@param seconds? number to wait at most for something to do; 0
---@param budget? number seconds to work at most
---@return integer tasks that have not ended
function pix.update(seconds, budget) end
---@return integer
function pix.fd() end
---@param handler? fun(err: any, task: pix.task)
function pix.on_error(handler) end

---@param options pix.checkout_options
---@return pix.shop? shop
---@return pix.error? err
function pix.checkout(options) end
---@return string
function pix.metrics() end

---@class pix.sandbox_options
---@field port? integer 0 = any
---@field https_port? integer
---@field expires_after? number seconds
---@field auto_pay? number seconds
---@field log? boolean
---@field colour? boolean
---@field interpreter? string
---@field detseg? { amount_unit?: "reais"|"centavos", amount_in_code?: boolean, expires_as?: "seconds"|"epoch", token_lifetime?: number }
---@field ssg? { value_as?: "number"|"string", code_as?: "json"|"brcode", bad_credentials?: 400|401, token_lifetime?: number }
---@field payzu? { amount_in_code?: boolean, error_code?: boolean }

---@class pix.sandbox_charge
---@field id string
---@field provider string
---@field amount integer centavos
---@field status pix.status
---@field raw_status string
---@field code string

---@alias pix.which string|{id: string} a charge or its id

--- A running sandbox; its functions are called with a point. Reference: docs/sandbox.md.
---@class pix.running_sandbox
---@field url table<string, string>
---@field https_url table<string, string>
---@field ca_file string
---@field port integer
---@field https_port integer
---@field credentials table<string, table<string, string>>
---@field cards table<string, string>
---@field reset_kind "rst"|"fin"
---@field version string of the interpreter that runs it
local Sandbox = {}
---@param charge pix.which
---@param how? {raw_status: string}
---@return pix.sandbox_charge
function Sandbox.pay(charge, how) end
---@param charge pix.which
---@return pix.sandbox_charge
function Sandbox.expire(charge) end
---@param charge pix.which
---@return pix.sandbox_charge
function Sandbox.reject(charge) end
---@param charge pix.which
---@return pix.sandbox_charge
function Sandbox.cancel(charge) end
---@param charge pix.which
---@return pix.sandbox_charge
function Sandbox.refund(charge) end
---@param charge pix.which
---@param word string
---@return pix.sandbox_charge
function Sandbox.say(charge, word) end
---@param charge pix.which
---@return pix.sandbox_charge
function Sandbox.charge(charge) end
---@param charge pix.which
function Sandbox.notify(charge) end
---@return {charges: pix.sandbox_charge[], subscriptions: table[]}
function Sandbox.ledger() end
---@param filter? {provider?: string, operation?: string}
---@return table[]
function Sandbox.requests(filter) end
---@param filter? {provider?: string, operation?: string}
---@return integer
function Sandbox.count(filter) end
---@param filter? {provider?: string}
function Sandbox.expire_tokens(filter) end
---@param fault table
---@return integer number
function Sandbox.fault(fault) end
---@return table[]
function Sandbox.faults() end
function Sandbox.clear_faults() end
---@param options table
function Sandbox.webhook(options) end
---@param options? {wait: number}
---@return table[]
function Sandbox.webhooks(options) end
---@param options? {reverse: boolean}
function Sandbox.release_webhooks(options) end
function Sandbox.reset() end
function Sandbox.stop() end

pix.sandbox = {}
---@param options? pix.sandbox_options
---@return pix.running_sandbox
function pix.sandbox.start(options) end
---@param options? pix.sandbox_options
function pix.sandbox.run(options) end

--- Flows: library/flow.lua.
pix.flow = require "pix.flow"

pix.testing = {}
---@param where string path or text of a flow
---@return pix.flow.test
function pix.testing.flow(where) end
---@param options? {wall: number?}
---@return pix.test
function pix.testing.start(options) end

return pix
