local pix = require "pix"

require "spec.host.contract" "cqueues"

describe("pix.host.cqueues", function()
  after_each(function() pix.use(nil) end)

  it("says how to start a task when no queue runs", function()
    pix.use "cqueues"
    assert.error_matches(function() pix.spawn(print) end, "queue:wrap")
  end)
end)
