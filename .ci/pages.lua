-- .ci/pages.lua FOLDER - copies the pages of the manual for LDoc: each under a name of its own,
-- with links that lead to the HTML; what is no page is linked to in the repository.
local REPOSITORY = "https://github.com/luapix/luapix/blob/main/"

local folder = assert(arg[1], "usage: pages.lua FOLDER")

local function list(pattern)
  local pipe = assert(io.popen("ls " .. pattern))
  local names = {}
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

-- docs/internals/journal.md → internals-journal.md
local function page_name(path)
  return (path:gsub("^docs/", ""):gsub("/", "-"))
end

local pages = {}
for _, path in ipairs(list "*.md docs/*.md docs/*/*.md") do
  pages[path] = page_name(path)
end

-- "docs/guides" and "../pix.md" → "docs/pix.md"
local function resolve(base, target)
  local path = base .. target
  local again = 1
  while again > 0 do path, again = path:gsub("[^/]+/%.%./", "", 1) end
  return (path:gsub("^%./", ""):gsub("/$", ""))
end

local function link(base, target)
  if target:find "^%a+:" or target:find "^#" then return target end
  local name, place = target:match "^([^#]*)(.*)$"
  local path = resolve(base, name)
  if pages[path] then return pages[path] .. ".html" .. place end
  local picture = path:match "^docs/images/(.+)" or path:match "^docs/flows/(.+%.svg)"
  if picture then return "images/" .. picture end
  local found = assert(io.open(path), base .. "…: a link to " .. target .. " leads nowhere")
  found:close()
  return REPOSITORY .. path
end

for path, name in pairs(pages) do
  local base = path:match "^.*/" or ""
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  text = text:gsub("(%]%()([^)%s]+)(%))", function(open, target, close)
    return open .. link(base, target) .. close
  end)
  text = text:gsub("\n +```", "\n```") -- fences in lists
  local copy = assert(io.open(folder .. "/" .. name, "wb"))
  copy:write(text)
  copy:close()
end
