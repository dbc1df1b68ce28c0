---@meta pix.flow
--- LuaCATS annotations for flows and for the words of a flow file. The reference is docs/flow.md.

---@alias pix.flow.value string|number|boolean|fun(data: table): any text with {names}, or a function
---@alias pix.flow.duration string|number|fun(data: table): number "90s", "5m", "1h30m", or seconds

---@class pix.flow.finding
---@field file string
---@field line integer
---@field state? string
---@field rule string
---@field money? boolean
---@field message string
---@field path? { state: string, outcome: string? }[]
---@field fix? string

---@class pix.flow.options
---@field checkout? any a pix.checkout, or a provider
---@field ui? { show: fun(view: string, data: table), ask: (fun(view: string, data: table): string?, any)? }
---@field perform? table<string, fun(args: table, context: { key: string, attempt: integer, run: string }): any, any>
---@field alert? fun(message: string, facts: table): any, any
---@field card? any
---@field journal? any
---@field id? string
---@field on_step? fun(step: { from: string, outcome: string, to: string, note: string?, run: pix.flow.run })
---@field on_error? fun(message: any, run: pix.flow.run?)
---@field lease? number

---@class pix.flow.run
---@field id string
---@field state string
---@field ended boolean
local Run = {}
---@param name string
---@return boolean heard
function Run:signal(name) end
---@param name string
---@param value? any
---@return boolean heard
function Run:answer(name, value) end
---@async
---@param timeout? number
---@return "done"|"failed"|nil outcome
---@return any result
function Run:wait(timeout) end
function Run:stop() end

---@class pix.flow.flow
---@field name string
---@field file string
---@field version string
local Flow = {}
---@param input table
---@param options pix.flow.options
---@return pix.flow.run? run
---@return pix.error? err
function Flow:run(input, options) end
---@param format? "dot"|"mermaid"
---@return string
function Flow:draw(format) end

--- What pix.testing.flow returns.
---@class pix.flow.test
---@field flow pix.flow.flow
local Test = {}
---@param script table<string, string|string[]|table> state → outcome, or a list of outcomes
---@return pix.flow.test
function Test:script(script) end
---@param state string
---@param name string
---@return pix.flow.test
function Test:signal(state, name) end
---@param title string
---@param value any
---@return pix.flow.test
function Test:returns(title, value) end
---@param title string
---@param f function
---@return pix.flow.test
function Test:perform(title, f) end
---@param input? table
---@return string state
---@return "done"|"failed" outcome
function Test:run(input) end
---@return string state
---@return "done"|"failed" outcome
function Test:resume() end
---@return string path of the last run, as "pay —paid→ brew"
function Test:way() end
---@return number seconds of virtual time
function Test:now() end
function Test:stop() end

---@class pix.flow
local M = {}
--- A journal of runs in memory.
---@return any journal
function M.memory() end
---@param finding pix.flow.finding
---@return string
function M.render(finding) end
---@param where string path or text
---@return pix.flow.flow? flow
---@return pix.error? err its `findings` are pix.flow.finding[]
function M.load(where) end
---@async
---@param journal any
---@param options pix.flow.options flows = { flow, … } too
---@return { runs: pix.flow.run[], changed: table[] }?
---@return pix.error? err
function M.resume(journal, options) end
---@param journal any
---@param options pix.flow.options flows = { flow, … }, every, most, on_run too
---@return { stop: fun(self: table) } worker
function M.work(journal, options) end
---@async
---@param journal any
---@param id string
---@return string[]? lines
---@return pix.error? err
function M.trace(journal, id) end

-- ---- The words of a flow file ----

---@class pix.flow.state

---@param given { amount: pix.flow.value, reference: pix.flow.value?, description: pix.flow.value?, payer: table?, show: pix.flow.value?, expires: pix.flow.duration?, wait: false?, on: table<string, string>?, paid: string?, expired: string?, cancelled: string?, failed: string, unknown: string, made: string? }
---@return pix.flow.state
function charge(given) end
---@param given { plan: pix.flow.value, payer: table?, trial: pix.flow.value?, reference: pix.flow.value?, show: pix.flow.value?, subscribed: string, declined: string, failed: string, unknown: string }
---@return pix.flow.state
function subscribe(given) end
---@param given { of: string, show: pix.flow.value?, cancelled: string, paid: string, failed: string }
---@return pix.flow.state
function cancel(given) end
---@param given { of: string, show: pix.flow.value?, refunded: string, failed: string }
---@return pix.flow.state
function refund(given) end
---@param given { time: pix.flow.duration?, of: string?, timeout: pix.flow.duration?, on: table<string, string>?, show: pix.flow.value?, next: string?, paid: string?, expired: string?, cancelled: string?, failed: string?, timed_out: string? }
---@return pix.flow.state
function wait(given) end
---@param given { show: pix.flow.value, timeout: pix.flow.duration?, answers: table<string, string>?, save: string?, on: table<string, string>?, yes: string?, no: string?, timed_out: string? }
---@return pix.flow.state
function ask(given) end
---@param name string
---@return fun(given: { delivers: boolean?, of: string|string[]?, with: table?, timeout: pix.flow.duration?, attempts: integer?, save: string?, show: pix.flow.value?, ok: string, failed: string, timed_out: string? }): pix.flow.state
function perform(name) end
---@param given { when: pix.flow.value?, yes: string?, no: string?, value: pix.flow.value?, cases: table<string, string>?, otherwise: string? }
---@return pix.flow.state
function choose(given) end
---@param given { values: table<string, pix.flow.value>, next: string }
---@return pix.flow.state
function set(given) end
---@param given { message: pix.flow.value, of: string|string[]?, show: pix.flow.value?, next: string }
---@return pix.flow.state
function alert(given) end
---@param given { show: pix.flow.value?, result: table? }?
---@return pix.flow.state
function done(given) end
---@param given { show: pix.flow.value?, result: table? }?
---@return pix.flow.state
function fail(given) end
---@overload fun(given: { of: any, input: table?, done: string, failed: string }): pix.flow.state
---@param name string
---@return fun(body: table): table
function flow(name) end

return M
