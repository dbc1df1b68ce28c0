--- The journal's tables: set up by whoever comes first, brought up to date, and left alone when
-- they are newer than the program.
local back_ends = require "spec.support.back_ends"
local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"

local NOW = 1700000000

for _, back_end in ipairs(back_ends) do
  describe("the schema of a journal in " .. back_end.name, function()
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

    local function reopen()
      journal:close()
      journal = assert(journals.open(place))
    end

    it("is set up by several that come at once", function()
      local others = {}
      for i = 1, 4 do others[i] = assert(journals.open(place)) end
      local tasks = {}
      for i = 1, 4 do tasks[i] = function() return others[i]:start() end end
      pix.run(function()
        local results, errors = pix.all(tasks)
        assert.is_nil(errors)
        assert.equal(4, results.n)
      end)
      for i = 1, 4 do others[i]:close() end
    end)

    it("gives up when others change its schema again and again", function()
      local real, calls = journal._core, 0
      journal._core = { submit = function()
        calls = calls + 1
        local rows = { {}, {}, { { version = 0 } } }
        local conflict = core.error { kind = "conflict", sent = "no",
          message = "the schema has moved" }
        return { ready = function() return true end, result = function()
          if calls % 2 == 1 then return rows end
          return nil, conflict
        end }
      end }
      local ok, err = journal:start()
      journal._core = real
      assert.is_nil(ok)
      assert.same({ "conflict", "the schema has moved" }, { err.kind, err.message })
      assert(journal:start())
    end)

    it("refuses a schema that is newer than the program", function()
      assert.is_true(journal:start())
      assert(journal:_submit { { sql = "UPDATE pix_schema SET version = 99", n = 0 } })
      reopen()
      local row, err = journal:get("x")
      assert.is_nil(row)
      assert.same({ "journal", "schema" }, { err.kind, err.code })
      assert.truthy(err.message:find("version 99", 1, true))
    end)

    it("brings an older schema up to date, with what is in it", function()
      local row = assert(journal:intent { reference = "order-1", provider = "ssg", amount = 1990,
        now = NOW, params = "p" })
      assert(journal:answered(row.id, { now = NOW, charge = { id = "c-1", status = "pending" } }))
      assert(journal:_submit {
        { sql = "ALTER TABLE pix_operation DROP COLUMN owed", n = 0 },
        { sql = "UPDATE pix_schema SET version = 1", n = 0 },
      })
      reopen()
      local found = assert(journal:get(row.id))
      assert.same({ "order-1", "pending", false }, { found.reference, found.status, found.owed })
      assert(journal:status(row.id, { status = "paid", now = NOW }))
    end)
  end)
end
