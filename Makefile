# luapix: GNU make. `make help` lists what there is to ask for.
#
# The tree is built out of place, one folder per Lua and variant, side by side:
#   build/core[-VARIANT]/libpixcore.a   src/core, compiled once, without Lua's headers
#   build/5.4[-VARIANT]/pix/core.so     the Lua module for Lua 5.4
#   build/luajit[-VARIANT]/pix/core.so  the same for LuaJIT (the 5.1 ABI)
#   build/VM[-VARIANT]/pix/journal_*.so the journal's back ends, where their library is present
#   build/core[-VARIANT]/test/*         C unit tests, one program per spec/core/*_test.c

# ---- What may be overridden on the command line or in the environment ----

LUA        ?=                 # 5.4 or luajit; both that are present when empty
VARIANT    ?=                 # asan, tsan, debug or cov; the plain build when empty
PREFIX     ?= /usr/local
DESTDIR    ?=
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
CLANG_FORMAT ?= clang-format
LUACHECK   ?= luacheck
WERROR     ?= -Werror         # packagers switch it off: WERROR=

# The only VM to which LUA_INCDIR, LUA_CDIR and LUA_LDIR can apply is a single one.
LUA54_PC   ?= lua5.4
LUAJIT_PC  ?= luajit

# A value that costs a process is found once, and only if a recipe wants it: pkg-config may
# not exist yet while `make check` installs it.
once = $(eval $(1) := $(2))$($(1))
pc   = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)

CURL_CFLAGS   ?= $(call once,CURL_CFLAGS,$(call pc,--cflags,libcurl))
CURL_LIBS     ?= $(call once,CURL_LIBS,$(or $(call pc,--libs,libcurl),-lcurl))
SSL_CFLAGS    ?= $(call once,SSL_CFLAGS,$(call pc,--cflags,libssl libcrypto))
SSL_LIBS      ?= $(call once,SSL_LIBS,$(or $(call pc,--libs,libssl libcrypto),-lssl -lcrypto))
QR_CFLAGS     ?= $(call once,QR_CFLAGS,$(call pc,--cflags,libqrencode))
QR_LIBS       ?= $(call once,QR_LIBS,$(or $(call pc,--libs,libqrencode),-lqrencode))
PNG_CFLAGS    ?= $(call once,PNG_CFLAGS,$(call pc,--cflags,libpng))
PNG_LIBS      ?= $(call once,PNG_LIBS,$(or $(call pc,--libs,libpng),-lpng))
SQLITE_CFLAGS ?= $(call once,SQLITE_CFLAGS,$(call pc,--cflags,sqlite3))
SQLITE_LIBS   ?= $(call once,SQLITE_LIBS,$(or $(call pc,--libs,sqlite3),-lsqlite3))
PQ_CFLAGS     ?= $(call once,PQ_CFLAGS,$(call pc,--cflags,libpq))
PQ_LIBS       ?= $(call once,PQ_LIBS,$(or $(call pc,--libs,libpq),-lpq))
LUA54_CFLAGS  ?= $(call once,LUA54_CFLAGS,$(call pc,--cflags,$(LUA54_PC)))
LUAJIT_CFLAGS ?= $(call once,LUAJIT_CFLAGS,$(call pc,--cflags,$(LUAJIT_PC)))

# ---- Which VMs, which variant ----

override LUA := $(strip $(LUA))
override VARIANT := $(strip $(VARIANT))
override WERROR := $(strip $(WERROR))
ifneq ($(filter-out 5.4 luajit,$(LUA)),)
  $(error LUA is "$(LUA)", but it must be 5.4 or luajit)
endif
ifneq ($(filter-out asan tsan debug cov,$(VARIANT)),)
  $(error VARIANT is "$(VARIANT)", but it must be asan, tsan, debug or cov)
endif

present = $(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo $(1))
VMS := $(or $(LUA),$(call present,5.4,$(LUA54_PC)) $(call present,luajit,$(LUAJIT_PC)))
SUFFIX := $(if $(VARIANT),-$(VARIANT))

ABI_5.4     := 5.4
ABI_luajit  := 5.1
INC_5.4     = $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(LUA54_CFLAGS))
INC_luajit  = $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(LUAJIT_CFLAGS))

# ---- Flags ----

OPT_      := -O2
OPT_debug := -O1 -g3
OPT_cov   := -O0 -g
OPT_asan  := -O1 -g -fno-omit-frame-pointer
OPT_tsan  := -O1 -g -fno-omit-frame-pointer
SAN_asan  := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SAN_tsan  := -fsanitize=thread
SAN_cov   := --coverage
# At -O1 and in instrumented code gcc guesses values and lengths wrongly; the plain build asks these.
GUESSES   := $(if $(VARIANT),-Wno-maybe-uninitialized -Wno-format-truncation)
CFLAGS    ?= $(OPT_$(VARIANT))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
            $(GUESSES) $(WERROR)
PIX_CFLAGS  = -std=c11 -D_GNU_SOURCE $(WARNINGS) -fvisibility=hidden -fPIC -pthread -MMD -MP \
              $(CFLAGS) $(SAN_$(VARIANT)) $(CPPFLAGS)
CORE_CFLAGS = $(CURL_CFLAGS) $(SSL_CFLAGS) $(QR_CFLAGS) $(PNG_CFLAGS)
JOURNAL_CFLAGS = $(SQLITE_CFLAGS) $(PQ_CFLAGS)
CORE_LIBS   = $(CURL_LIBS) $(SSL_LIBS) $(QR_LIBS) $(PNG_LIBS) -pthread -ldl -lm

# No rpath and no link-time optimisation: a module is linked in a fraction of a second.
ifeq ($(shell uname -s),Darwin)
  MODULE_LDFLAGS = -bundle -undefined dynamic_lookup
else
  MODULE_LDFLAGS = -shared -Wl,--as-needed -Wl,--exclude-libs,ALL
endif

# ---- Files ----

B := build
# LuaRocks says where one Lua's headers are and never which Lua it is, and brings flags of its
# own: a rock is built in a folder with the name of the headers' path, core and all.
ROCK := $(B)/rock$(subst /,-,$(LUA_INCDIR))
IS_ROCK := $(filter rock rock-install,$(MAKECMDGOALS))
C := $(if $(IS_ROCK),$(ROCK)/core,$(B)/core$(SUFFIX))

# The journal's back ends are modules of their own: pix.core needs neither SQLite nor PostgreSQL.
# Those whose library is missing are left out; BACKENDS says which are wanted.
BACKEND_SRC := src/core/journal_sqlite.c src/core/journal_postgres.c
BACKENDS := $(or $(BACKENDS),$(call present,sqlite,sqlite3) $(call present,postgres,libpq))
backend_modules = $(patsubst %,$(1)/pix/journal_%.so,$(BACKENDS))

CORE_SRC  := $(filter-out $(BACKEND_SRC),$(wildcard src/core/*.c))
BIND_SRC  := $(wildcard src/provider/*.c) $(filter-out src/lua/backend_%.c,$(wildcard src/lua/*.c))
CORE_OBJ  := $(CORE_SRC:src/core/%.c=$(C)/%.o)
CORE_LIB  := $(C)/libpixcore.a
TESTS     := $(patsubst spec/core/%.c,$(C)/test/%,$(wildcard spec/core/*_test.c))
HELPERS   := $(filter-out %_test.c,$(wildcard spec/core/*.c spec/support/*.c))
FORMATTED := $(wildcard src/*/*.[ch] spec/*/*.[ch] bench/*.[ch] fuzz/*.[ch])
LUA_DIRS  := $(wildcard lua spec bench examples fuzz)
module     = $(B)/$(1)$(SUFFIX)/pix/core.so

# Loaded beside a sanitizer: see .ci/preload.c.
HELPER_asan := $(B)/preload.so
HELPER_tsan := $(B)/preload.so
HELPER_cov  := $(B)/5.4-cov/coverage.so

# Modules for specs: the codec by itself (spec/provider), states that begin and end (spec/lua).
# LuaJIT takes no allocator from outside: oom.so is for Lua 5.4.
PROBES    := $(foreach vm,$(VMS),$(addprefix $(B)/$(vm)$(SUFFIX)/,codec_probe.so states.so malloc.so)) \
             $(patsubst %,$(B)/%$(SUFFIX)/oom.so,$(filter 5.4,$(VMS)))

# Without bindings (src/lua) there is no module to link.
MODULES   := $(if $(wildcard src/lua/*.c),$(foreach vm,$(VMS),\
               $(call module,$(vm)) $(call backend_modules,$(B)/$(vm)$(SUFFIX))))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all core tests demo check check-all docs crash soak bench bench-openresty bench-love \
        bench-checkout bench-others install uninstall new-provider asan tsan gc tidy coverage fuzz fuzz-targets format \
        format-check \
        luacheck rooms rock rock-install clean help FORCE

all: core $(MODULES) $(HELPER_$(VARIANT)) ## build the module for Lua 5.4 and LuaJIT (LUA=5.4 or LUA=luajit for one)

core: $(CORE_LIB)

tests: $(TESTS) $(PROBES) ## build the C unit tests and the probes of the specs

# ---- Rules ----

# A folder remembers its compiler and flags; when they change, what they made is made again.
define stamp
$(1): FORCE
	@mkdir -p $$(@D)
	@echo '$$(CC) $$(PIX_CFLAGS) $(2)' | cmp -s - $$@ || echo '$$(CC) $$(PIX_CFLAGS) $(2)' > $$@
endef
FORCE:

$(eval $(call stamp,$(C)/flags,$$(CORE_CFLAGS) $$(JOURNAL_CFLAGS)))

$(CORE_OBJ): $(C)/%.o: src/core/%.c $(C)/flags
	$(CC) $(PIX_CFLAGS) $(CORE_CFLAGS) -c -o $@ $<

$(BACKEND_SRC:src/core/%.c=$(C)/%.o): $(C)/%.o: src/core/%.c $(C)/flags
	$(CC) $(PIX_CFLAGS) $(JOURNAL_CFLAGS) -c -o $@ $<

$(CORE_LIB): $(CORE_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(C)/test/%: spec/core/%.c $(HELPERS) $(CORE_LIB) $(C)/flags
	@mkdir -p $(@D)
	$(CC) $(PIX_CFLAGS) $(CORE_CFLAGS) -Isrc -Isrc/core -Ispec/support -MF $@.d -o $@ \
	  $< $(HELPERS) $(TEST_OBJ) $(CORE_LIB) $(LDFLAGS) $(TEST_LIBS) $(CORE_LIBS)

# This test is out of memory now and then.
$(C)/test/memory_test: TEST_LIBS = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
                         -Wl,--wrap=pthread_create

# This test has a database.
$(C)/test/journal_sqlite_test: $(C)/journal_sqlite.o
$(C)/test/journal_sqlite_test: TEST_OBJ = $(C)/journal_sqlite.o
$(C)/test/journal_sqlite_test: TEST_LIBS = $(SQLITE_LIBS)

# $(1) = folder, $(2) = include flags of one Lua
define vm_rules
$(call stamp,$(1)/flags,$(2))
$(1)/obj/%.o: src/%.c $(1)/flags
	@mkdir -p $$(@D)
	$$(CC) $$(PIX_CFLAGS) $$(CORE_CFLAGS) $(2) -c -o $$@ $$<
$(1)/codec_probe.so: spec/provider/codec_probe.c \
    $(patsubst src/%.c,$(1)/obj/%.o,$(wildcard src/provider/*.c)) $(CORE_LIB)
	$$(CC) $$(PIX_CFLAGS) $$(CORE_CFLAGS) $(2) -MF $$@.d $$(MODULE_LDFLAGS) -o $$@ \
	  $$^ $$(LDFLAGS) $$(CORE_LIBS)
$(1)/states.so $(1)/oom.so $(1)/malloc.so: $(1)/%.so: spec/lua/%.c $(1)/flags
	$$(CC) $$(PIX_CFLAGS) $(2) -MF $$@.d $$(MODULE_LDFLAGS) $$(SAN_$(VARIANT)) -o $$@ $$< $$(LDFLAGS)
$(1)/pix/core.so: $(BIND_SRC:src/%.c=$(1)/obj/%.o) $(CORE_LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(MODULE_LDFLAGS) $$(SAN_$(VARIANT)) -o $$@ $$^ $$(LDFLAGS) $$(CORE_LIBS)
$(1)/pix/journal_%.so: $(C)/journal_%.o src/lua/backend_module.c $(CORE_LIB) $(1)/flags
	@mkdir -p $$(@D) $(1)/obj
	$$(CC) $$(PIX_CFLAGS) -MF $(1)/obj/journal_$$*.d $(2) -DPIX_BACKEND_OPEN=luaopen_pix_journal_$$* $$(MODULE_LDFLAGS) \
	  -o $$@ $$(filter %.c %.o %.a,$$^) $$(LDFLAGS) $$(LIBS_$$*) $$(CORE_LIBS)
endef
LIBS_sqlite = $(SQLITE_LIBS)
LIBS_postgres = $(PQ_LIBS)
$(foreach vm,5.4 luajit,$(eval $(call vm_rules,$(B)/$(vm)$(SUFFIX),$$(INC_$(vm)))))

-include $(wildcard $(C)/*.d $(C)/test/*.d $(B)/target/*.d $(B)/*/obj/*.d $(B)/*/obj/*/*.d)

# ---- Running things. .ci/deps comes first: what pkg-config finds is only read afterwards ----

demo: ## take a payment at each provider of the sandbox, from a bare machine
	@.ci/deps demo
	@[ -e $(B)/core/libpixcore.a ] || echo "building …"
	@$(MAKE) --no-print-directory -s LUA=$(or $(LUA),5.4) VARIANT=$(VARIANT) all
	@.ci/lua $(or $(LUA),5.4) examples/demo.lua

check: ## every test, from a bare machine; the last line is "N passed, N failed"
	@.ci/deps check
	@VARIANT= .ci/check

check-all: ## check, asan, tsan, fuzz and soak for a short time, tidy, coverage, gc; hours
	@.ci/run all

asan: ## the suite under AddressSanitizer and UBSan
	@.ci/deps check
	@VARIANT=asan .ci/check

tsan: ## the suite under ThreadSanitizer
	@.ci/deps check
	@VARIANT=tsan .ci/check

gc: ## the suite under valgrind, with the collector at pause 0
	@.ci/deps check
	@VARIANT=debug VALGRIND=1 .ci/check

coverage: ## which lines the suite runs, C and Lua; fails when one of the money's code is not run
	@.ci/deps check
	@.ci/coverage

# The tree again, in a folder of its own, as libFuzzer wants it.
fuzz: ## each target of fuzz/ for SECONDS (10), with clang's libFuzzer, ASan and UBSan (SEED=n)
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=5.4 VARIANT= $(B)/5.4/pix/core.so
	@$(MAKE) --no-print-directory -s B=$(B)/fuzz CC=clang VARIANT= LUA=5.4 fuzz-targets \
	  CFLAGS='-O1 -g -fno-omit-frame-pointer $(FUZZ_SAN) -fsanitize=fuzzer-no-link'
	@fuzz/run $(SECONDS)

FUZZ_SAN  := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SECONDS   ?= 10
LUA54_LIBS ?= $(call once,LUA54_LIBS,$(call pc,--libs,$(LUA54_PC)))

fuzz-targets: $(patsubst fuzz/%.c,$(B)/target/%,$(wildcard fuzz/*.c))

$(B)/target/%: fuzz/%.c $(patsubst src/%.c,$(B)/5.4/obj/%.o,$(wildcard src/provider/*.c)) $(CORE_LIB)
	@mkdir -p $(@D)
	$(CC) $(PIX_CFLAGS) $(CORE_CFLAGS) $(INC_5.4) -Isrc -fsanitize=fuzzer -MF $@.d -o $@ \
	  $(filter %.c %.o %.a,$^) $(LDFLAGS) $(LUA54_LIBS) $(CORE_LIBS)

crash: ## kill a busy shop at ROUNDS=1000 random moments, four workers with 2,000 orders; minutes
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=$(or $(LUA),5.4) all
	@CRASH_ROUNDS=$(or $(ROUNDS),1000) CRASH_REFERENCES=$(or $(REFERENCES),2000) \
	  .ci/spec $(or $(LUA),5.4) spec/crash

soak: ## mixed traffic with faults in one process for MINUTES=30: nothing grows, all agree (SEED=1)
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=$(or $(LUA),5.4) all
	@MINUTES=$(or $(MINUTES),30) SEED=$(or $(SEED),1) .ci/lua $(or $(LUA),5.4) bench/soak.lua

bench: ## luapix against a raw libcurl program; a markdown table
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=$(or $(LUA),5.4) all $(B)/bench/limit $(B)/bench/slow
	@LUA=$(or $(LUA),5.4) bench/run

bench-others: ## lua-http, copas + LuaSocket and aiohttp beside luapix and raw libcurl; a markdown table
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA= VARIANT= all $(B)/bench/limit $(B)/bench/slow
	@OTHERS=1 bench/run

bench-openresty: ## luapix against lua-resty-http (RESTY_HTTP=folder) or bare cosockets in nginx; markdown tables
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=luajit all $(B)/bench/load $(B)/bench/slow
	@.ci/lua luajit bench/openresty.lua

bench-love: ## what pix.update() costs a frame in LÖVE; a markdown table
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=luajit all $(B)/bench/slow
	@bench/frames

bench-checkout: ## what the journal costs a checkout, how often charges are looked at; markdown tables
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=$(or $(LUA),5.4) all $(B)/bench/slow
	@.ci/lua $(or $(LUA),5.4) bench/checkout.lua

.PHONY: bench-scaling
bench-scaling: ## from one kiosk to a million charges a day, by simulation; markdown tables
	@.ci/deps check
	@$(MAKE) --no-print-directory -s LUA=luajit all
	@.ci/lua luajit bench/scaling.lua

$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(PIX_CFLAGS) $(CURL_CFLAGS) -o $@ $< $(LDFLAGS) $(CURL_LIBS) -pthread

$(B)/5.4-cov/coverage.so: .ci/coverage.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(INC_5.4) -O2 -shared -fPIC -o $@ $<

$(B)/preload.so: .ci/preload.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -shared -fPIC -o $@ $<

docs: ## the manual as HTML in build/docs, by LDoc
	@.ci/deps docs
	@.ci/docs

new-provider: ## write a new provider's four files: make new-provider NAME=x
	@.ci/new-provider '$(NAME)'

format: ## clang-format every C file in place
	$(CLANG_FORMAT) -i $(FORMATTED)

format-check: ## does clang-format agree with every C file?
	@bad=; for f in $(FORMATTED); do \
	  $(CLANG_FORMAT) "$$f" | cmp -s - "$$f" || bad="$$bad $$f"; done; \
	if [ -n "$$bad" ]; then echo "make format would change:$$bad"; exit 1; fi

luacheck: ## lint every Lua file
	@$(LUACHECK) -q --codes $(LUA_DIRS) $(wildcard bin/pix .ci/rooms .ci/*.lua *.rockspec)

tidy: ## clang-tidy and cppcheck over src/ (.ci/tidy)
	@.ci/deps tidy
	@.ci/tidy

rooms: ## who may know whom, banned calls, lengths (.ci/rooms)
	@.ci/rooms

# ---- Installing ----

# $(1) = folder for Lua files. Only our own folder names are created below it.
define install_lua
cd lua && find . -name '*.lua' | while read -r f; do \
  mkdir -p "$(DESTDIR)$(1)/$$(dirname "$$f")" && \
  $(INSTALL) -m 644 "$$f" "$(DESTDIR)$(1)/$$f" || exit 1; done
endef
# $(1) = built modules, $(2) = folder for C modules
define install_modules
mkdir -p "$(DESTDIR)$(2)/pix"
$(INSTALL) -m 755 $(1) "$(DESTDIR)$(2)/pix"
endef
# $(1) = folder for programs
define install_bin
mkdir -p "$(DESTDIR)$(1)"
$(INSTALL) -m 755 bin/pix "$(DESTDIR)$(1)/pix"
endef
# $(1) = folder of Lua files, $(2) = folder of C modules. Files of others are left alone, and so are
# folders with something in them.
define uninstall_modules
cd lua && find . -name '*.lua' | while read -r f; do rm -f "$(DESTDIR)$(1)/$$f"; done
cd lua && find . -depth -type d ! -name . | while read -r d; do \
  rmdir "$(DESTDIR)$(1)/$$d" 2>/dev/null || true; done
rm -f "$(DESTDIR)$(2)/pix/core.so" "$(DESTDIR)$(2)/pix/journal_sqlite.so" \
  "$(DESTDIR)$(2)/pix/journal_postgres.so"
rmdir "$(DESTDIR)$(2)/pix" 2>/dev/null || true
endef

# $(1) = VM
lua_dir = $(or $(LUA_LDIR),$(PREFIX)/share/lua/$(ABI_$(1)))
c_dir   = $(or $(LUA_CDIR),$(PREFIX)/lib/lua/$(ABI_$(1)))
several = $(and $(LUA_CDIR),$(word 2,$(VMS)),$(error LUA_CDIR is the folder of one Lua: \
  say which, LUA=5.4 or LUA=luajit))

install: $(VMS:%=install-%) ## install for the VMs present (PREFIX, DESTDIR, LUA_CDIR, LUA_LDIR)
	$(call install_bin,$(BINDIR))
	mkdir -p "$(DESTDIR)$(MANDIR)/man1"
	$(INSTALL) -m 644 docs/pix.1 "$(DESTDIR)$(MANDIR)/man1/pix.1"

install-%: all
	$(several)$(call install_lua,$(call lua_dir,$*))
	$(call install_modules,$(call module,$*) $(call backend_modules,$(B)/$*$(SUFFIX)),$(call c_dir,$*))

uninstall: $(addprefix uninstall-,$(or $(LUA),5.4 luajit)) ## remove what install put there, and nothing else
	rm -f "$(DESTDIR)$(BINDIR)/pix" "$(DESTDIR)$(MANDIR)/man1/pix.1"

uninstall-%:
	$(call uninstall_modules,$(call lua_dir,$*),$(call c_dir,$*))

ifneq ($(IS_ROCK),)
  $(if $(LUA_INCDIR),,$(error a rock is built with LUA_INCDIR=folder of lua.h))
  $(eval $(call vm_rules,$(ROCK),-I$(LUA_INCDIR)))
endif

rock: $(ROCK)/pix/core.so $(call backend_modules,$(ROCK))

rock-install: rock
	$(call install_lua,$(LUADIR))
	$(call install_modules,$(ROCK)/pix/core.so $(call backend_modules,$(ROCK)),$(LIBDIR))
	$(call install_bin,$(BINDIR))

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'
