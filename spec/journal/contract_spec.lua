--- What every back end of the journal must keep: the rules G1–G10 of docs/journal.md.
local back_ends = require "spec.support.back_ends"
local journals = require "pix.journal"

local NOW = 1700000000
local function intent_of(reference, more)
  local intent = {
    reference = reference, provider = "ssg", amount = 1990, now = NOW,
    params = journals.hash { amount = 1990, description = "Café" },
  }
  for key, value in pairs(more or {}) do intent[key] = value end
  return intent
end

local CHARGE = {
  id = "c-1", code = "00020126", code_kind = "brcode", status = "pending", expires = NOW + 900,
}

for _, back_end in ipairs(back_ends) do
  describe("a journal in " .. back_end.name, function()
    local place, remove, journal

    before_each(function()
      place, remove = back_end.place()
      journal = assert(journals.open(place))
    end)

    after_each(function()
      journal:close()
      remove()
    end)

    teardown(function() back_end.stop() end)

    local function charged(reference, charge_id, more)
      local row = assert(journal:intent(intent_of(reference, more)))
      local charge = {}
      for key, value in pairs(CHARGE) do charge[key] = value end
      charge.id = charge_id or "c-" .. reference
      return assert(journal:answered(row.id, { now = NOW, charge = charge, due = NOW + 3 }))
    end

    local function types()
      local list = {}
      for i, event in ipairs(assert(journal:events { now = NOW + 5000 })) do
        list[i] = event.type
      end
      table.sort(list)
      return table.concat(list, " ")
    end

    local function reopen(options)
      journal:close()
      journal = assert(journals.open(place, options))
    end

    -- ---- G1, G5 ----

    it("has the intent, durably, before anything is sent (G1)", function()
      local row, fresh = journal:intent(intent_of("order-1", { data = { attempt = 1 } }))
      assert.is_true(fresh)
      reopen()
      local kept = assert(journal:get(row.id))
      assert.same({ "intent", "ssg", 1990, "order-1", 1 },
        { kept.state, kept.provider, kept.amount, kept.reference, kept.data.attempt })
      assert.is_true(kept.lease > NOW)
    end)

    it("gives the stored operation for the same reference and parameters (G5)", function()
      local row = charged("order-1")
      local again, fresh = journal:intent(intent_of("order-1"))
      assert.is_false(fresh)
      assert.same({ row.id, "00020126", "answered" }, { again.id, again.code, again.state })
    end)

    it("refuses the same reference with other parameters (G5)", function()
      journal:intent(intent_of("order-1"))
      local params = journals.hash { amount = 2 }
      local row, err = journal:intent(intent_of("order-1", { params = params }))
      assert.is_nil(row)
      assert.same({ "conflict", "params", "no" }, { err.kind, err.code, err.sent })
    end)

    it("keeps the kinds of operations of one reference apart", function()
      assert.is_true(select(2, journal:intent(intent_of("order-1"))))
      assert.is_true(select(2, journal:intent(intent_of("order-1", { kind = "refund" }))))
    end)

    it("refuses a reference that is none", function()
      for _, reference in ipairs { "", "a\nb", ("x"):rep(129) } do
        local row, err = journal:intent(intent_of(reference))
        assert.is_nil(row)
        assert.equal("invalid", err.kind)
      end
      assert.has_error(function() journal:intent(intent_of(17)) end)
    end)

    -- ---- G3, G4 ----

    it("makes unknown what a start finds in flight (G3)", function()
      local first = assert(journal:intent(intent_of("order-1")))
      local second = assert(journal:intent(intent_of("order-2")))
      assert(journal:sent(second.id, { now = NOW }))
      charged("order-3")
      assert.equal(0, #assert(journal:recover { now = NOW + 10 }))
      local found = assert(journal:recover { now = NOW + 61 })
      assert.equal(2, #found)
      assert.equal("unknown", journal:get(first.id).state)
      assert.equal("charge.created charge.unknown charge.unknown", types())
      local row, fresh = journal:intent(intent_of("order-1"))
      assert.is_false(fresh)
      assert.equal("unknown", row.state)
    end)

    it("takes at once what its own former process, or any, left in flight", function()
      reopen { worker = "kiosk-1" }
      journal:intent(intent_of("order-1"))
      reopen { worker = "kiosk-2" }
      assert.equal(0, #assert(journal:recover { now = NOW, own = true }))
      reopen { worker = "kiosk-1" }
      assert.equal(1, #assert(journal:recover { now = NOW, own = true }))
      journal:intent(intent_of("order-2"))
      reopen { worker = "kiosk-2" }
      assert.equal(1, #assert(journal:recover { now = NOW, sole = true }))
    end)

    it("ends an unknown one by evidence", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:unknown(row.id, { now = NOW, due = NOW + 2 }))
      local known, changed = journal:status(row.id,
        { status = "paid", charge_id = "c-9", now = NOW })
      assert.is_true(changed)
      assert.same({ "answered", "paid", "c-9" }, { known.state, known.status, known.charge_id })
    end)

    it("ends an unknown one by a person, who is named (G4)", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:unknown(row.id, { now = NOW, due = NOW + 2 }))
      assert.equal("invalid", select(2, journal:resolve(row.id, { as = "failed", now = NOW })).kind)
      local known = assert(journal:resolve(row.id, {
        as = "failed", by = "ana", note = "not in the bank's list", now = NOW }))
      assert.same({ "failed", "ana" }, { known.state, known.data.by })
      local nothing, err = journal:resolve(row.id, { as = "paid", by = "ana", now = NOW })
      assert.is_nil(nothing)
      assert.equal("known", err.code)
    end)

    it("takes only a word that says what became of it, from somebody who is named", function()
      local row = assert(journal:intent(intent_of "o-1"))
      assert(journal:unknown(row.id, { now = NOW }))
      for _, facts in ipairs { { as = "gone", by = "Ana" }, { by = "Ana" }, { as = "paid" } } do
        facts.now = NOW
        local ok, err = journal:resolve(row.id, facts)
        assert.is_nil(ok)
        assert.equal("invalid", err.kind)
      end
      assert.equal("unknown", assert(journal:get(row.id)).state)
    end)

    it("tells a run in other hands from a journal that fails", function()
      assert(journal:run_begin { id = "r-1", flow = "tea", version = "1", state = "pay",
        data = {}, now = NOW, lease = 30 })
      local row = assert(journal:run_get "r-1")
      local facts = { fence = row.fence + 1, due = NOW }
      local ok, err = journal:run_later("r-1", facts)
      assert.is_nil(ok)
      assert.same({ "conflict", "stale" }, { err.kind, err.code })
      local submit = journal._submit
      journal._submit = function()
        return nil, require("pix.core").error { kind = "journal", code = "full", sent = "no",
          message = "full" }
      end
      assert.equal("full", select(2, journal:run_later("r-1", facts)).code)
      assert.equal("full", select(2, journal:run_step("r-1", { fence = row.fence,
        step = row.step, state = "bye", now = NOW })).code)
      journal._submit = submit
      assert(journal:run_later("r-1", { fence = row.fence, due = NOW }))
    end)

    it("gives no operation the charge of another one", function()
      charged("order-1", "c-1")
      local row = assert(journal:intent(intent_of("order-2")))
      assert(journal:unknown(row.id, { now = NOW }))
      local ok, err = journal:resolve(row.id, { as = "paid", by = "ana", now = NOW,
        charge_id = "c-1" })
      assert.is_nil(ok)
      assert.same({ "conflict", "taken" }, { err.kind, err.code })
      assert.truthy(err.message:find("order-1", 1, true), err.message)
      assert.equal("unknown", journal:get(row.id).state)
      assert(journal:resolve(row.id, { as = "paid", by = "ana", now = NOW, charge_id = "c-2" }))
    end)

    it("writes the payment's event when a person says that it was paid", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:unknown(row.id, { now = NOW, due = NOW + 2 }))
      assert(journal:resolve(row.id, { as = "paid", by = "ana", now = NOW }))
      assert.equal("charge.paid charge.unknown", types())
    end)

    -- ---- G6 ----

    it("claims what is due, each operation once", function()
      for i = 1, 5 do charged("order-" .. i) end
      local other = assert(journals.open(place))
      local mine = assert(journal:claim { now = NOW + 3, n = 2, lease = 10 })
      local theirs = assert(other:claim { now = NOW + 3, n = 9 })
      assert.same({ 2, 3, 0 }, { #mine, #theirs, #assert(journal:claim { now = NOW + 3 }) })
      assert.equal(2, #assert(other:claim { now = NOW + 13 }))
      other:close()
    end)

    it("refuses a stale worker's write (G6)", function()
      local row = charged("order-1")
      local old = assert(journal:claim { now = NOW + 3, lease = 10 })[1]
      local new = assert(journal:claim { now = NOW + 20, lease = 10 })[1]
      assert.is_true(new.fence > old.fence)
      local function refused(result, err)
        assert.is_nil(result)
        assert.same({ "conflict", "stale" }, { err.kind, err.code })
      end
      refused(journal:status(row.id, { status = "paid", now = NOW + 21, fence = old.fence }))
      refused(journal:later(row.id, { fence = old.fence, due = NOW + 30 }))
      refused(journal:renew(row.id, { fence = old.fence, now = NOW + 21 }))
      assert.equal("pending", journal:get(row.id).status)
      assert.is_true(journal:renew(row.id, { fence = new.fence, now = NOW + 21 }))
      assert.is_true(journal:later(row.id, { fence = new.fence, due = NOW + 40 }))
      assert.equal(0, #assert(journal:claim { now = NOW + 39 }))
      assert.equal(1, #assert(journal:claim { now = NOW + 40 }))
    end)

    it("changes nothing in an operation that it does not have", function()
      local row, err = journal:status("none", { status = "paid", now = NOW })
      assert.is_nil(row)
      assert.equal("not_found", err.kind)
    end)

    -- ---- G7 ----

    it("has at most one presentable code per order (G7)", function()
      assert.is_nil(journal:presentable("order-1"))
      local old = charged("order-1", "c-old")
      assert.equal(old.id, journal:presentable("order-1").id)
      local function attempt()
        return journal:attempt(intent_of("order-1", { previous = old.id, provider = "detseg" }))
      end
      assert.equal("stale", select(2, attempt()).code)
      assert(journal:status(old.id, { status = "expired", now = NOW, due = NOW + 86400 }))
      assert.is_nil(journal:presentable("order-1"))
      local new = assert(attempt())
      assert.equal("stale", select(2, attempt()).code)
      assert.is_nil(journal:presentable("order-1"))
      assert(journal:answered(new.id, { now = NOW, charge = CHARGE, due = NOW + 3 }))
      assert.equal(new.id, journal:presentable("order-1").id)
      assert.equal(NOW + 86400, journal:get(old.id).due)
    end)

    it("lets an order go on without an orphan, which stays watched", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:unknown(row.id, { now = NOW, due = NOW + 2 }))
      local function attempt()
        return journal:attempt(intent_of("order-1", { previous = row.id, provider = "detseg" }))
      end
      assert.is_nil((attempt()))
      assert(journal:orphan(row.id, { now = NOW, due = NOW + 5 }))
      assert.equal("detseg", assert(attempt()).provider)
      assert.equal(row.id, assert(journal:orphans())[1].id)
      assert(journal:answered(row.id, { now = NOW, charge = CHARGE, due = NOW + 5 }))
      assert.is_nil(journal:presentable("order-1"))
      assert.equal("charge.orphan charge.orphan charge.unknown", types())
    end)

    it("makes an orphan of what was found in the change that names its charge", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:unknown(row.id, { now = NOW, due = NOW + 2 }))
      local function found(fence)
        return journal:status(row.id, { status = "paid", charge_id = "c-9", orphan = true,
          now = NOW, due = NOW, fence = fence })
      end
      assert.equal("stale", select(2, found(row.fence + 1)).code)
      assert.is_false(assert(journal:get(row.id)).orphan)
      local known = assert(found(row.fence))
      assert.same({ "answered", "paid", "c-9", true, NOW },
        { known.state, known.status, known.charge_id, known.orphan, known.due })
      assert.equal("charge.orphan charge.paid charge.unknown", types())
    end)

    it("makes no orphan of what was answered meanwhile", function()
      local row = charged("order-1")
      local known, changed = journal:status(row.id, { status = "pending", charge_id = "c-9",
        orphan = true, now = NOW })
      assert.same({ false, false, "c-order-1" }, { changed, known.orphan, known.charge_id })
      assert.equal(row.id, journal:presentable("order-1").id)
    end)

    it("tells which operations of one kind, provider and amount have no outcome", function()
      local function begin(reference, more) return assert(journal:intent(intent_of(reference,
        more))).id end
      local old, unknown = begin("o-1"), begin("o-2", { now = NOW + 5 })
      assert(journal:unknown(unknown, { now = NOW }))
      begin("o-3", { now = NOW + 11 })
      begin("o-4", { amount = 1991 })
      begin("o-5", { provider = "detseg" })
      begin("o-6", { kind = "refund" })
      charged("o-7")
      local list = assert(journal:undecided { kind = "charge", provider = "ssg", amount = 1990,
        from = NOW, to = NOW + 10 })
      assert.same({ 2, old, unknown }, { #list, list[1].id, list[2].id })
      assert.equal(0, #assert(journal:undecided { kind = "charge", provider = "ssg",
        amount = 1990, from = NOW + 12, to = NOW + 20 }))
    end)

    it("begins no further try for an order that is paid", function()
      local row = charged("order-1")
      assert(journal:status(row.id, { status = "paid", now = NOW }))
      assert.is_nil((journal:attempt(intent_of("order-1", { previous = row.id }))))
    end)

    it("does not keep the code of a charge that cannot be paid any more", function()
      local row = charged("order-1")
      assert.is_nil(assert(journal:status(row.id, { status = "paid", now = NOW })).code)
    end)

    -- ---- G8, G9 ----

    it("moves states and statuses forward only (G8)", function()
      local row = charged("order-1")
      local function to(status) return select(2, assert(journal:status(row.id, {
        status = status, now = NOW }))) end
      assert.is_false(to("unknown"))
      assert.is_false(to("pending"))
      assert.is_true(to("expired"))
      assert.is_false(to("cancelled"))
      assert.is_true(to("paid"))
      assert.is_false(to("paid"))
      assert.is_false(to("expired"))
      assert.is_true(to("refunded"))
      assert.is_false(to("paid"))
      assert.is_false(select(2, assert(journal:unknown(row.id, { now = NOW }))))
      assert.is_false(select(2, assert(journal:failed(row.id, { now = NOW }))))
      assert.is_false(select(2, assert(journal:sent(row.id, { now = NOW }))))
      assert.equal("charge.created charge.expired charge.late charge.refunded", types())
    end)

    it("writes the event with the change, once, with a stable id (G9)", function()
      local row = charged("order-1")
      for _ = 1, 3 do assert(journal:status(row.id, { status = "paid", now = NOW })) end
      reopen()
      local events = assert(journal:events { now = NOW + 1, lease = 10 })
      assert.equal(2, #events)
      assert.equal(row.id .. ".created", events[1].id)
      assert.same({ row.id .. ".paid", "charge.paid", "order-1", 1990 },
        { events[2].id, events[2].type, events[2].operation.reference, events[2].operation.amount })
      assert.equal(0, #assert(journal:events { now = NOW + 2 }))
      assert(journal:acknowledge { events[1].id })
      local again = assert(journal:events { now = NOW + 12 })
      assert.equal(1, #again)
      assert.equal(events[2].id, again[1].id)
    end)

    it("does not write an event again that was acknowledged", function()
      local row = charged("order-1")
      assert(journal:status(row.id, { status = "paid", now = NOW }))
      assert(journal:acknowledge { row.id .. ".paid", row.id .. ".created" })
      assert(journal:status(row.id, { status = "paid", now = NOW }))
      assert.equal("", types())
    end)

    it("tells a second payment of one order from the first", function()
      local old = charged("order-1", "c-old")
      assert(journal:status(old.id, { status = "expired", now = NOW, due = NOW + 9 }))
      local new = assert(journal:attempt(intent_of("order-1", { previous = old.id })))
      assert(journal:answered(new.id, { now = NOW, charge = CHARGE }))
      assert(journal:status(new.id, { status = "paid", now = NOW }))
      assert(journal:status(old.id, { status = "paid", now = NOW }))
      assert.equal("charge.created charge.created charge.duplicate charge.expired charge.paid",
        types())
    end)

    it("owes a second payment, and lets it fall due, until it was given back", function()
      local old = charged("order-1", "c-old")
      assert(journal:status(old.id, { status = "expired", now = NOW, due = NOW + 9 }))
      local new = assert(journal:attempt(intent_of("order-1", { previous = old.id })))
      assert(journal:answered(new.id, { now = NOW, charge = CHARGE }))
      new = assert(journal:status(new.id, { status = "paid", now = NOW }))
      assert.same({ false, nil }, { new.owed, new.due })
      old = assert(journal:status(old.id, { status = "paid", now = NOW }))
      assert.same({ true, NOW + 120 }, { old.owed, old.due })
      assert.same({}, assert(journal:claim { now = NOW + 119 }))
      assert.equal(old.id, assert(journal:claim { now = NOW + 120 })[1].id)
      old = assert(journal:status(old.id, { status = "refunded", now = NOW + 1 }))
      assert.same({ false, nil }, { old.owed, old.due })
    end)

    it("takes a payment even of what was thought to have failed", function()
      local row = assert(journal:intent(intent_of("order-1")))
      assert(journal:failed(row.id, { now = NOW }))
      assert.is_false(select(2, journal:status(row.id, { status = "expired", now = NOW })))
      local paid = assert(journal:status(row.id, { status = "paid", now = NOW }))
      assert.same({ "failed", "paid" }, { paid.state, paid.status })
    end)

    it("tells of a failure only when its caller cannot know of it", function()
      local refused = assert(journal:intent(intent_of("order-1")))
      assert(journal:failed(refused.id, { now = NOW }))
      assert.equal("", types())
      local lost = assert(journal:intent(intent_of("order-2")))
      assert(journal:unknown(lost.id, { now = NOW, due = NOW + 2 }))
      assert(journal:failed(lost.id, { now = NOW }))
      assert.equal("charge.failed charge.unknown", types())
    end)

    it("takes a webhook in once, with what it changes (G9)", function()
      local row = charged("order-1", "c-1")
      local hook = { provider = "ssg", key = "k-1", charge_id = "c-1", status = "paid", now = NOW }
      local first = assert(journal:webhook(hook))
      assert.same({ true, true, row.id }, { first.fresh, first.changed, first.operation.id })
      local second = assert(journal:webhook(hook))
      assert.same({ false, false }, { second.fresh, second.changed })
      hook.key, hook.charge_id = "k-2", "c-of-nobody"
      local stranger = assert(journal:webhook(hook))
      assert.same({ true, false }, { stranger.fresh, stranger.changed })
      assert.is_nil(stranger.operation)
      assert.equal("charge.created charge.paid", types())
      assert.equal(2, journal:forget_webhooks(NOW + 1))
    end)

    -- ---- G10 ----

    it("keeps only what is on its list, and no card's number in it (G10)", function()
      local row = assert(journal:intent(intent_of("order-1", { data = {
        attempt = 2, card = "4111111111111111", payer = { tax_id = "52998224725" },
        client_secret = "s3cr3t", raw_status = "PAYMENT 4111 1111 1111 1111 DECLINED",
        note = ("é"):rep(150),
      } })))
      assert.same({ attempt = 2, raw_status = "PAYMENT [redacted] DECLINED", note = ("é"):rep(99) },
        journal:get(row.id).data)
    end)

    -- ---- reading ----

    it("finds operations by charge and by reference, and exports all", function()
      for i = 1, 120 do charged("order-" .. i) end
      assert.equal("order-7", journal:by_charge("ssg", "c-order-7").reference)
      assert.is_nil(journal:by_charge("payzu", "c-order-7"))
      assert.equal(1, #assert(journal:by_reference("order-9")))
      local count = 0
      assert.equal(120, journal:export(function() count = count + 1 end))
      assert.equal(120, count)
      assert.equal(120, #assert(journal:list { state = "answered", n = 500 }))
      assert.equal(0, #assert(journal:list { state = "unknown" }))
      assert.equal(3, #assert(journal:watched { n = 3 }))
    end)

    -- ---- runs ----

    it("takes a run of a flow from step to step, each once", function()
      local run, fresh = journal:run_begin { id = "r-1", flow = "checkout", version = "v1",
        state = "start", now = NOW, data = { order = 17 } }
      assert.is_true(fresh)
      assert.is_false(select(2, journal:run_begin { id = "r-1", flow = "checkout", version = "v1",
        state = "start", now = NOW }))
      local step = { fence = run.fence, step = 0, state = "charged", now = NOW, cause = "charge",
        data = { order = 17, id = "c-1" },
        events = { { type = "flow.charged", data = { n = 1 } } } }
      assert.equal(1, journal:run_step("r-1", step))
      assert.equal("stale", select(2, journal:run_step("r-1", step)).code)
      assert.equal(0, #assert(journal:run_claim { now = NOW + 59 }))
      local claimed = assert(journal:run_claim { now = NOW + 61 })[1]
      assert.same({ "charged", 1, "c-1" }, { claimed.state, claimed.step, claimed.data.id })
      step.step = 1
      assert.equal("stale", select(2, journal:run_step("r-1", step)).code)
      assert.equal(2, journal:run_step("r-1", { fence = claimed.fence, step = 1, state = "done",
        ended = true, now = NOW + 62 }))
      local kept = assert(journal:run_get("r-1"))
      assert.same({ true, 2, "charged", "charge" },
        { kept.ended, #kept.steps, kept.steps[1].state, kept.steps[1].cause })
      assert.same({ order = 17, id = "c-1" }, kept.data)
      local event = assert(journal:events { now = NOW + 99 })[1]
      assert.same({ "r-1", "flow.charged", 1 }, { event.run, event.type, event.data.n })
      assert.equal(0, #assert(journal:run_claim { now = NOW + 9999 }))
    end)

    it("gives a run back, and wakes it", function()
      local run = assert(journal:run_begin { flow = "f", version = "v", state = "s", now = NOW })
      assert.is_true(journal:run_later(run.id, { fence = run.fence }))
      assert.equal(0, #assert(journal:run_claim { now = NOW + 9999 }))
      assert.is_true(journal:run_wake(run.id, NOW + 5))
      assert.equal(1, #assert(journal:run_claim { now = NOW + 5 }))
      assert.equal(1, #assert(journal:run_list { flow = "f", ended = false }))
      assert.is_false(journal:run_wake("none", NOW))
    end)

    -- What tasks submit, up to the `most`th, is kept and handed in at once: a slow program gives a
    -- quick disk each transaction alone.
    local function gather(most)
      local core, pix = require "pix.core", require "pix"
      local real, kept = journal._core, {}
      local function hand_in()
        for _, one in ipairs(kept) do one.future = real:submit(one.list) end
        for _, one in ipairs(kept) do one.promise:fulfil(pix.await(one.future)) end
      end
      journal._core = { submit = function(_, list)
        local promise = core.promise()
        kept[#kept + 1] = { list = list, promise = promise }
        if #kept == most then pix.spawn(hand_in) end
        return promise
      end }
      finally(function() journal._core = real end)
      return real
    end

    it("shares commits between tasks", function()
      local pix = require "pix"
      journal:start()
      local before = journal:counts()
      local real = gather(64)
      pix.run(function()
        local tasks = {}
        for i = 1, 64 do
          tasks[i] = function() return journal:intent(intent_of("order-" .. i)) end
        end
        assert.is_nil(select(2, pix.all(tasks)))
      end)
      local commits, transactions = real:counts()
      assert.is_true(transactions >= 64)
      assert.is_true(commits - before < 64) -- how many share one is the machine's matter
    end)

    it("works under a virtual clock, whose time stands still meanwhile", function()
      local core = require "pix.core"
      core.use(core.virtual())
      local row = journal:intent(intent_of("order-1"))
      core.use(nil)
      assert.equal("intent", row.state)
    end)
  end)
end
