--- A PostgreSQL server of the specs' own: in a fresh folder, on a unix socket only, as a user that
-- is not root. A shell keeps it and ends it - also when the specs die, because its input ends then.
local M = {}
M.__index = M

local KEEPER = [[
dir=$1 bin=$2 fsync=$3
unset LD_PRELOAD ASAN_OPTIONS TSAN_OPTIONS
as=
if [ "$(id -u)" = 0 ]; then
  user=postgres
  id postgres >/dev/null 2>&1 || user=nobody
  chown "$user" "$dir"
  as="setpriv --reuid $user --regid $(id -g $user) --clear-groups"
fi
mkfifo "$dir/told"
$as "$bin/initdb" -D "$dir/data" -A trust -U pix -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1
launch() {
  $as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=40 \
    -c shared_buffers=16MB -c fsync=$fsync -c lc_messages=C >>"$dir/log" 2>&1 &
  pid=$!
  until "$bin/pg_isready" -q -h "$dir" -U pix; do kill -0 $pid || break; sleep 0.05; done
}
end() { kill -$1 $pid; wait $pid; }
while read -r word; do
  case $word in
  start) launch ;;
  stop) end INT ;;
  crash) end QUIT ;;
  esac
  echo done >"$dir/told"
done
kill -QUIT $pid 2>/dev/null
wait
rm -rf "$dir"
]]

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*l")
  pipe:close()
  return text
end

-- Where initdb is: Debian keeps it off the PATH.
local function binaries()
  return output_of([[for d in $(dirname "$(readlink -f "$(command -v initdb)" 2>/dev/null)") \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*; do \
    [ -x "$d/initdb" ] && [ -x "$d/postgres" ] && echo "$d" && break; done 2>/dev/null]])
end

--- Starts a server.
-- @tparam[opt] table options durable = true: it survives a power cut, as a benchmark's must
function M.start(options)
  local bin = assert(binaries(), "no PostgreSQL server is installed")
  local dir = output_of("mktemp -d /tmp/pix-pg-XXXXXX")
  local f = assert(io.open(dir .. "/keeper.sh", "w"))
  f:write(KEEPER)
  f:close()
  local self = setmetatable({ dir = dir, schemas = 0 }, M)
  self.keeper = assert(io.popen(("sh %s/keeper.sh %s %s %s 2>/dev/null"):format(dir, dir,
    bin, options and options.durable and "on" or "off"), "w"))
  while not self:_has_fifo() do os.execute("sleep 0.02") end
  self:tell("start")
  return self
end

function M:_has_fifo()
  return output_of(("[ -p %s/told ] && echo yes"):format(self.dir)) == "yes"
end

--- "start", "stop" (clients are sent away) or "crash" (everything is killed); returns when it is
-- done. An end of file is the answer to the former word, whose writer had not yet gone.
function M:tell(word)
  self.keeper:write(word, "\n")
  self.keeper:flush()
  local answer
  repeat
    local told = assert(io.open(self.dir .. "/told"))
    answer = told:read("*l")
    told:close()
  until answer
end

--- A URL; with a name, into a schema of that name.
function M:url(schema)
  local url = ("postgres:///postgres?host=%s&user=pix"):format(self.dir)
  return schema and url .. "&options=-csearch_path%3D" .. schema or url
end

--- Runs SQL, and gives back what psql prints for its rows.
function M:sql(text)
  return output_of(("psql -X -q -t -A -h %s -U pix postgres -c \"%s\""):format(self.dir, text))
end

--- A URL into a fresh schema.
function M:fresh()
  self.schemas = self.schemas + 1
  local name = "s" .. self.schemas
  self:sql("CREATE SCHEMA " .. name)
  return self:url(name), name
end

--- Ends the server and removes its folder.
function M:close()
  self.keeper:close()
end

return M
