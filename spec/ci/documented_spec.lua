--- Every name that a program can reach is documented: a registered C function in
-- docs/internals/core.md, a function of the facade in docs/, each public Lua function in place.

local program = require "spec.support.program"

local read = program.read

local function files(pattern)
  return program.lines_of("ls " .. pattern)
end

local function pages()
  local all = {}
  for _, name in ipairs(files "docs/*.md docs/internals/*.md") do all[#all + 1] = read(name) end
  return table.concat(all, "\n")
end

describe("documentation", function()
  it("names every function and method that C registers", function()
    local contract, missing = read "docs/internals/core.md", {}
    for _, name in ipairs(files "src/lua/*.c") do
      for registered in read(name):gmatch('{"([%l_%d]+)", *l?_?[%l_%d]+}') do
        local known = registered:sub(1, 2) == "__"
          or contract:find("[.:]" .. registered .. "%f[^%w_]")
          or contract:find("`" .. registered .. "%f[^%w_]")
        if not known then missing[#missing + 1] = name .. ": " .. registered end
      end
    end
    assert.same({}, missing)
  end)

  it("names everything in the table that require \"pix\" returns", function()
    local text, missing = pages(), {}
    for name in pairs(require "pix") do
      if not name:find "^_" then
        local known = text:find("pix%." .. name .. "%f[^%w_]")
        if not known then missing[#missing + 1] = "pix." .. name end
      end
    end
    assert.same({}, missing)
  end)

  -- What docs/internals says is looked up in the sources: files, C functions, libcurl's options.
  it("names only files, functions and options that there are, in docs/internals", function()
    local sources, names, missing = {}, {}, {}
    for _, path in ipairs(files "-d src/*/* lua/pix/* lua/pix/*/* spec/* spec/*/* .ci/* lua/*") do
      names[path:match "[^/]+$"] = true
      local source = path:find "^src/.*%.[ch]$" or path:find "^lua/.*%.lua$"
      if source then sources[#sources + 1] = read(path) end
    end
    sources = table.concat(sources, "\n")
    for _, page in ipairs(files "docs/internals/*.md") do
      local text = read(page)
      for name in text:gmatch "[%w_%-]+%.[chl][ua]?[ua]?%f[^%w_]" do
        local example = name:find "^[x_]" -- x.c is yet to be written; {a,b}_test.c
        if name:find "%.[ch]$" or name:find "%.lua$" then
          if not names[name] and not example then missing[#missing + 1] = page .. ": " .. name end
        end
      end
      for _, pattern in ipairs { "%f[%w_]pix_[%w_]+", "%f[%w_]CURL[%w_]+" } do
        for name in text:gmatch(pattern) do
          if not sources:find(name, 1, true) then missing[#missing + 1] = page .. ": " .. name end
        end
      end
    end
    assert.same({}, missing)
  end)

  it("stands over every public Lua function", function()
    local missing = {}
    for _, name in ipairs(files "lua/pix.lua lua/pix/*.lua lua/pix/host/*.lua") do
      local above = ""
      for line in read(name):gmatch "([^\n]*)\n" do
        local public = line:match "^function (M[.:][%l][%w_]*)"
        if public and not above:find "^%-%-" then missing[#missing + 1] = name .. ": " .. public end
        above = line
      end
    end
    assert.same({}, missing)
  end)
end)
