COMPONENT := dist/aftership-connector.wasm
SHOP     := dist/shop-connector.wasm
OPTIMISED := dist/optimised/aftership-connector.wasm
# Home paths have no place in a published file: the registry and this checkout are renamed.
REMAP    := target.wasm32-unknown-unknown.rustflags=["--remap-path-prefix=$(CURDIR)=.","--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo"]
SHARED   := $(shell find sdk wit tools/component-metadata Cargo.toml Cargo.lock .cargo -type f 2>/dev/null)

# A component of package $(1), whose manifest is in $(2).
define build-component
	rustup target add wasm32-unknown-unknown
	cargo --config '$(REMAP)' build --locked -p $(1) --lib --target wasm32-unknown-unknown --profile component
	cargo run --locked --quiet -p component-metadata -- target/wasm32-unknown-unknown/component/$(subst -,_,$(1)).wasm $@ \
	--name $(1) --description "$$(sed -n 's/^description = "\(.*\)"/\1/p' $(2)/Cargo.toml)" && \
	cd dist && { sha256sum $(notdir $@) || shasum -a 256 $(notdir $@); } > $(notdir $@).sha256
endef

define install-wasm-opt
	command -v npm || { apt-get update && apt-get install -y --no-install-recommends nodejs npm; }
	mkdir -p target/wasm-opt && cp tools/wasm-opt/*.json target/wasm-opt/ && \
	{ npm ls --prefix target/wasm-opt > /dev/null 2>&1 || npm ci --prefix target/wasm-opt --ignore-scripts --no-audit --no-fund; }
endef

WASI_PARTS := adapter environment front silent

# The files for platforms of WASI, of the connector $(1) and the parts in $(2), to $(3), with the metadata $(4).
define compose-wasi
	target/debug/compose $(1) $(2) $(3)/aftership-connector-wasi.wasm
	target/debug/compose $(1) $(2) $(3)/aftership-service.wasm --front
	target/debug/compose $(1) $(2) $(3)/aftership-service-env.wasm --front --environment
	for name in aftership-connector-wasi aftership-service aftership-service-env; do target/debug/component-metadata $(3)/$$name.wasm $(3)/$$name.wasm \
	--name $$name $(4) || exit 1; done
endef

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: component ## Build everything and show the main job on a simulated AfterShip (KEEP=1: and serve its console)
	cargo build --locked --workspace --exclude release --bins && target/debug/tour

.PHONY: test
test: components guests ## Run every test, from nothing
	cargo build --locked --workspace --bins --tests && cargo test --locked --workspace && SEEDS=200 $(MAKE) torture && CHAOS_SECONDS=60 target/debug/hosts
	@for program in jq sqlite3 node python3; do \
	if command -v $$program > /dev/null; then cargo test --locked --workspace --test connector with_$$program -- --ignored || exit 1; \
	else echo "left out, because $$program is not installed: the tests named with_$$program"; fi; done
	@if command -v postgres > /dev/null || ls -d /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1; then \
	cargo test --locked --workspace --test connector with_postgres -- --ignored || exit 1; \
	else echo "left out, because PostgreSQL is not installed: the tests named with_postgres, and those of state-postgres that are shown as ignored"; fi

.PHONY: test-browser
test-browser: component ## Install Chromium, connect with it and walk through the console
	command -v chromium || { apt-get update && apt-get install -y --no-install-recommends chromium; }
	command -v npm || { apt-get update && apt-get install -y --no-install-recommends nodejs npm; }
	mkdir -p target/browser && cp tests/browser/*.json target/browser/ && \
	{ npm ls --prefix target/browser > /dev/null 2>&1 || npm ci --prefix target/browser --ignore-scripts --no-audit --no-fund; }
	cargo build --locked --workspace --bins --tests && cargo test --locked --workspace --test connector browser::a_browser -- --ignored

.PHONY: test-clients
test-clients: programs ## Generate a client of TypeScript from the API's description, and check a program that uses it
	mkdir -p target/clients && cp tests/clients/* target/clients/ && \
	{ npm ls --prefix target/clients > /dev/null 2>&1 || npm ci --prefix target/clients --ignore-scripts --no-audit --no-fund; }
	cd target/clients && node_modules/.bin/openapi-typescript ../../tests/golden/openapi.json --output api.ts && node_modules/.bin/tsc --project .

# What the tests of examples need beside Rust.
.PHONY: programs
programs:
	@for program in curl jq sqlite3 python3 node npm; do command -v $$program > /dev/null || missing="$$missing $$program"; done; \
	[ -z "$$missing" ] || { apt-get update && apt-get install -y --no-install-recommends $$(echo "$$missing" | sed 's/\bnode\b/nodejs/'); }

.PHONY: component
component: $(COMPONENT) ## Build dist/aftership-connector.wasm

$(COMPONENT): $(SHARED) $(shell find src -type f)
	$(call build-component,aftership-connector,.)

.PHONY: components
components: $(COMPONENT) $(SHOP) ## Build it and the second connector, dist/shop-connector.wasm

$(SHOP): $(SHARED) $(shell find examples/shop-connector/src examples/shop-connector/Cargo.toml -type f)
	$(call build-component,shop-connector,examples/shop-connector)

# What a release has beside the component, each with what it needs itself.
ATTACHED := $$(for file in dist/packages/* dist/optimised/wasi/aftership-*.wasm; do echo "--attach $$file"; done) \
	$(WASI_PARTS:%=--composed wasi:wasi-%) \
	--needs pkg:pypi/wasmtime@$(shell sed 's/.*==//' examples/hosts/python/requirements.txt)

# Those of a release.
.PHONY: optimised-wasi
optimised-wasi: wasi-parts $(OPTIMISED)
	cargo build --locked --quiet -p compose -p component-metadata && mkdir -p dist/optimised/wasi/parts
	for part in $(WASI_PARTS); do target/debug/component-metadata dist/wasi/$$part.wasm dist/optimised/wasi/parts/$$part.wasm --name wasi-$$part \
	--wasm-opt target/wasm-opt/node_modules/.bin/wasm-opt || exit 1; done
	$(call compose-wasi,$(OPTIMISED),dist/optimised/wasi/parts,dist/optimised/wasi,--revision "$$(git rev-parse HEAD)")

.PHONY: release
release: packages optimised-wasi ## Write dist/release/, what a release publishes (KEY=key.pem REFERENCE=registry.example/name signs it)
	cargo build --locked --workspace --bins
	target/debug/release pack --component $(OPTIMISED) --package aftership-connector --host target/debug/connector-host --out dist/release $(ATTACHED)
	$(if $(KEY),target/debug/release sign --layout dist/release/oci --key $(KEY) --reference $(REFERENCE))

# Node and, the first time, npm's registry are needed for this alone. Each time anew: the commit stands in it.
.PHONY: $(OPTIMISED)
$(OPTIMISED): $(COMPONENT) tools/wasm-opt/package-lock.json
	$(install-wasm-opt)
	cargo run --locked --quiet -p component-metadata -- $(COMPONENT) $@ --revision "$$(git rev-parse HEAD)" \
	--wasm-opt target/wasm-opt/node_modules/.bin/wasm-opt

.PHONY: test-release
test-release: release guests ## Run the component's tests on the released file, and publish it to a registry here
	command -v docker-registry || { apt-get update && apt-get install -y --no-install-recommends docker-registry; }
	cargo build --locked --workspace --bins --tests && \
	CONNECTOR_COMPONENT=$(CURDIR)/$(OPTIMISED) cargo test --locked --workspace --test connector
	CARGO_TARGET_DIR=target cargo test --locked --manifest-path tests/registry/Cargo.toml

.PHONY: reproduce
reproduce: release ## Build the committed component once more in another folder, and compare all that a release publishes
	rm -rf target/reproduce && git clone --quiet . target/reproduce && $(MAKE) -C target/reproduce packages optimised-wasi
	cd target/reproduce && ../debug/release pack --component $(OPTIMISED) --package aftership-connector --host ../debug/connector-host --out dist/release $(ATTACHED)
	diff -r dist/release target/reproduce/dist/release && echo "the same bytes in both folders"

.PHONY: guests
guests: ## Build the misbehaving connectors that the tests run
	rustup target add wasm32-unknown-unknown && mkdir -p dist/guests
	CARGO_TARGET_DIR=target cargo --config '$(REMAP)' build --locked --quiet --manifest-path tests/guests/Cargo.toml --examples --target wasm32-unknown-unknown --profile component
	cd target/wasm32-unknown-unknown/component/examples && cp $$(ls *.wasm | grep -v -- -) $(CURDIR)/dist/guests/

# What a connector is composed with, to dist/wasi/.
.PHONY: wasi-parts
wasi-parts:
	rustup target add wasm32-unknown-unknown && mkdir -p dist/wasi
	CARGO_TARGET_DIR=target cargo --config '$(REMAP)' build --locked --quiet --manifest-path wasi/Cargo.toml --target wasm32-unknown-unknown --profile component
	for part in $(WASI_PARTS); do cp target/wasm32-unknown-unknown/component/wasi_$$part.wasm dist/wasi/$$part.wasm || exit 1; done

.PHONY: wasi
wasi: component wasi-parts ## Compose the connector for platforms of WASI, to dist/wasi/ (docs/wasi.md)
	cargo build --locked --quiet -p compose -p component-metadata
	$(call compose-wasi,$(COMPONENT),dist/wasi,dist/wasi,)

.PHONY: test-wasi
test-wasi: component guests wasi-parts ## Compose the connector for platforms of WASI, and run it in wasmtime's own, on the simulator and under the host kit
	cargo build --locked --workspace --bins
	CARGO_TARGET_DIR=target cargo test --locked --manifest-path tests/wasi/Cargo.toml
	CARGO_TARGET_DIR=target cargo build --locked --manifest-path tests/wasi/Cargo.toml && target/debug/host-kit --host wasi

# Node, Python and, the first time, npm's registry and PyPI are needed for what follows alone.
.PHONY: node-host
node-host:
	command -v npm || { apt-get update && apt-get install -y --no-install-recommends nodejs npm; }
	cd examples/hosts/node && { npm ls > /dev/null 2>&1 || npm ci --ignore-scripts --no-audit --no-fund; }

.PHONY: python-host
python-host:
	test -x target/hosts/python/bin/pip || python3 -m venv target/hosts/python || \
	{ apt-get update && apt-get install -y --no-install-recommends python3-venv && python3 -m venv target/hosts/python; }
	target/hosts/python/bin/pip install --quiet --disable-pip-version-check -r examples/hosts/python/requirements.txt

.PHONY: test-hosts-kit
test-hosts-kit: component guests node-host python-host wasi-parts ## Put the hosts in Rust, Node and Python, and the adapter for WASI, to the rules of wit/HOSTS.md, and print rules by hosts
	CARGO_TARGET_DIR=target cargo build --locked --manifest-path tests/wasi/Cargo.toml
	cargo build --locked --workspace --bins && target/debug/host-kit

.PHONY: packages
packages: $(OPTIMISED) node-host ## Build dist/packages/: the connector with a host for Node (npm) and for Python (a wheel)
	rm -rf dist/packages && node tools/packages/transpile.mjs $(OPTIMISED) target/packages && \
	python3 tools/packages/build.py $(OPTIMISED) target/packages dist/packages

.PHONY: test-packages
test-packages: packages ## Install both packages into empty folders, and list and create with them
	cargo build --locked --workspace --bins && tools/packages/try

.PHONY: lint
lint: ## Check format, clippy natively and on wasm, dependencies
	rustup component add rustfmt clippy && rustup target add wasm32-unknown-unknown && cargo fmt --all --check
	for manifest in wasi tests/wasi; do cargo fmt --all --check --manifest-path $$manifest/Cargo.toml || exit 1; done
	cargo clippy --locked --workspace --all-targets -- -D warnings && cargo clippy --locked -p aftership-connector -p shop-connector --lib --target wasm32-unknown-unknown --profile component -- -D warnings
	(command -v cargo-deny || cargo install --locked cargo-deny@0.20.2) && cargo deny --locked check bans licenses sources
	for manifest in wasi tests/wasi; do cargo deny --locked --config deny.toml --manifest-path $$manifest/Cargo.toml check licenses sources || exit 1; done
	CARGO_TARGET_DIR=target cargo clippy --locked --manifest-path wasi/Cargo.toml --target wasm32-unknown-unknown --profile component -- -D warnings

.PHONY: bench
bench: component ## Measure what the sandbox costs, and write BENCHMARKS.md (BASELINE=old.wasm compares components, BASE=PROGRAM an older connector-host; ONLY=start, crowd, list, deliveries, hosts, api, console (of a million trackings), languages, memory, mirror, size or backlog (by name only) measures that part alone)
	cargo build --locked --release --workspace --bins --bench costs && cargo bench --locked --workspace --bench costs

.PHONY: code-size
code-size: ## Show the bytes of the optimised component by cause, and its code by crate and module
	$(install-wasm-opt)
	CARGO_TARGET_DIR=target/named cargo --config '$(REMAP)' --config profile.component.strip=false build --locked --quiet -p aftership-connector --lib \
	--target wasm32-unknown-unknown --profile component
	printf '#!/bin/sh\nexec "$${0%%/*}/node_modules/.bin/wasm-opt" -g --strip-dwarf "$$@"\n' > target/wasm-opt/named && chmod +x target/wasm-opt/named
	cargo run --locked --quiet -p component-metadata -- target/named/wasm32-unknown-unknown/component/aftership_connector.wasm \
	target/named/optimised.wasm --revision "$$(git rev-parse HEAD)" --wasm-opt target/wasm-opt/named && tools/code-size.py target/named/optimised.wasm

.PHONY: soak
soak: component ## Kill `sync` fifty times under faults and wrong clocks; takes some minutes
	cargo build --locked --workspace --bins --tests && cargo test --locked --workspace --test connector cli::soak -- --ignored --nocapture

.PHONY: torture
torture: component ## Live simulated days of a fleet, each from a seed (SEEDS=200 of them, or SEED=7 alone with its journal)
	cargo build --locked --profile torture -p torture && target/torture/torture

.PHONY: torture-bugs
torture-bugs: component ## Plant bugs in a copy, one at a time, and say which seed shows each
	cargo build --locked --profile torture -p torture && tests/torture/plant-bugs

.PHONY: postgresql
postgresql:
	@command -v postgres > /dev/null || ls -d /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1 || { apt-get update && apt-get install -y --no-install-recommends postgresql; }

.PHONY: run-many
run-many: component postgresql ## Show three hosts that share a state, one of them killed (HOSTS=3 ACCOUNTS=200 SQLITE=)
	cargo build --locked --workspace --exclude release --bins && target/debug/hosts show

.PHONY: torture-hosts
torture-hosts: component postgresql ## Kill and freeze four real hosts on one state, and judge both sides (CHAOS_SECONDS=300 SEED=1 SQLITE=)
	command -v faketime || { apt-get update && apt-get install -y --no-install-recommends faketime; }
	cargo build --locked --workspace --exclude release --bins && CLOCKS=1 CHAOS_SECONDS=$(or $(CHAOS_SECONDS),300) target/debug/hosts

.PHONY: torture-hosts-bug
torture-hosts-bug: component postgresql ## Plant a bug in a copy (numbers from a plain sequence), and see that it is caught
	cargo build --locked --workspace --exclude release --bins && tests/hosts/plant-bug

.PHONY: two-containers
two-containers: component postgresql ## Run two hosts in two containers on one state, in SQLite and in PostgreSQL (needs Linux, and root)
	cargo build --locked --workspace --exclude release --bins && target/debug/hosts containers

.PHONY: check-deploy
check-deploy: ## Check deploy/ against the schemas of Kubernetes and compose (needs PyPI the first time)
	test -x target/deploy/bin/pip || python3 -m venv target/deploy
	target/deploy/bin/pip install --quiet kubernetes-validate==1.37.0 check-jsonschema==0.39.0 setuptools
	target/deploy/bin/kubernetes-validate --strict deploy/kubernetes.yaml && target/deploy/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml

.PHONY: test-api
test-api: component ## Hold every answer of the API against its description (needs PyPI the first time)
	test -x target/schemathesis/bin/pip || python3 -m venv target/schemathesis
	target/schemathesis/bin/pip install --quiet schemathesis==4.32.5
	cargo build --locked --workspace --exclude release --bins && tests/schemathesis/run

.PHONY: fuzz
fuzz: ## Run each fuzz target for a minute (needs a nightly compiler)
	(command -v cargo-fuzz || cargo install --locked cargo-fuzz) && cd fuzz && for target in $$(cargo fuzz list); do \
	mkdir -p corpus/$$target && cargo +nightly fuzz run --sanitizer none $$target corpus/$$target seeds -- -max_total_time=60 -verbosity=0 -print_final_stats=1 || exit 1; done

.PHONY: bless
bless: component ## Rewrite the golden files under tests/golden
	cargo build --locked --workspace --bins --tests && BLESS=1 cargo test --locked --workspace --bins --tests golden

.PHONY: picture
picture: component ## Rewrite the terminal picture of the README from a recorded run
	cargo build --locked --workspace --bins && target/debug/tour --picture examples/tour/tour.svg

.PHONY: ci
ci: postgresql programs lint test test-clients ## Format, lints and every test, none left out for a program that is missing

.PHONY: ci-release
ci-release: ci test-release test-wasi test-hosts-kit test-packages test-api ## What the integration server runs
