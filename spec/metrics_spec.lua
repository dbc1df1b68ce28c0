local metrics = require "pix.metrics"
local pix = require "pix"

describe("metrics", function()
  before_each(metrics.reset)
  after_each(metrics.reset)

  it("are text that Prometheus reads", function()
    metrics.count("pix_requests_total", "ssg", "charge", "ok")
    metrics.count("pix_requests_total", "ssg", "charge", "ok")
    metrics.set("pix_breaker_open", 1, "payzu", "charge")
    assert.equal(table.concat({
      "# HELP pix_requests_total Requests to providers, by how they ended.",
      "# TYPE pix_requests_total counter",
      'pix_requests_total{provider="ssg",operation="charge",outcome="ok"} 2',
      "# HELP pix_breaker_open 1 while a breaker is not closed.",
      "# TYPE pix_breaker_open gauge",
      'pix_breaker_open{provider="payzu",operation="charge"} 1',
      "" }, "\n"), pix.metrics())
  end)

  it("have histograms whose buckets add up", function()
    for _, seconds in ipairs { 0.01, 0.2, 0.2, 99 } do
      metrics.observe("pix_request_seconds", seconds, "ssg", "status")
    end
    local text = pix.metrics()
    assert.matches('status",le="0.05"} 1\n', text)
    assert.matches('status",le="0.25"} 3\n', text)
    assert.matches('status",le="30"} 3\n', text)
    assert.matches('status",le="+Inf"} 4\n', text, 1, true)
    assert.matches('pix_request_seconds_sum{provider="ssg",operation="status"} 99.41\n', text, 1,
      true)
  end)

  it("escape what stands in a label", function()
    metrics.count("pix_events_total", nil, nil, 'a"b\\c\nd')
    assert.matches([[outcome="a\"b\\c\nd"]], pix.metrics(), 1, true)
  end)

  it("are nothing before anything has happened", function()
    assert.equal("", pix.metrics())
  end)
end)
