# Stormproof: `make quickstart` and `make test` are all that a newcomer needs. What is missing is installed first.

BUILD_PACKAGES  = libuv1-dev libsystemd-dev libyaml-dev liblzma-dev zlib1g-dev libisal-dev
TEST_PACKAGES   = $(BUILD_PACKAGES) python3-venv rabbitmq-server
RELEASE         = .build/release
export SWIFT_BACKTRACE = enable=no

.PHONY: quickstart build test unit integration acceptance fuzz mutants bench format lint clean

quickstart: build
	$(RELEASE)/stormproof run scenarios/quickstart.yaml

build:
	@scripts/require $(BUILD_PACKAGES)
	swift build -c release --static-swift-stdlib

test: unit integration

unit:
	@scripts/require $(TEST_PACKAGES)
	swift build --build-tests
	swift test --skip-build --skip IntegrationTests

# One of each: a seed, a kill in each phase, each planted fault, a second broker, an ordinary user.
integration: build .venv/ready
	@scripts/require $(TEST_PACKAGES)
	swift build --build-tests
	STORMPROOF_BIN=$(abspath $(RELEASE)) swift test --skip-build --no-parallel --filter IntegrationTests

# The same tests, as often as a release demands: ten seeds, twenty kills, three seeds for each planted fault.
acceptance: build .venv/ready
	@scripts/require $(TEST_PACKAGES)
	swift build --build-tests
	STORMPROOF_ROUNDS=full STORMPROOF_BIN=$(abspath $(RELEASE)) swift test --skip-build --no-parallel --filter IntegrationTests

# Small random histories against trying every order, as many of each model as a release demands; FUZZ=1000 for a short one,
# STORMPROOF_FUZZ_SEED=N for other seeds. And damaged files, ten times as many: half of them decoded, half checked as well.
FUZZ   = 1000000
DAMAGE = $(FUZZ)0
fuzz:
	@scripts/require $(BUILD_PACKAGES)
	swift build --build-tests -c release -Xswiftc -enable-testing --scratch-path .build/fuzz
	STORMPROOF_FUZZ=$(FUZZ) STORMPROOF_DAMAGE=$(DAMAGE) swift test --skip-build -c release -Xswiftc -enable-testing --scratch-path .build/fuzz \
	  --filter 'CheckersTests\..*(FuzzTests|PlantedPlainTests|PlantedDeliveryTests|DamagedCheckTests)|HistoryTests\.DamageTests'

# The tests of the checkers tested: every rule broken once must make one of them fail.
mutants:
	@scripts/require $(BUILD_PACKAGES)
	scripts/mutants

bench: build
	@scripts/require $(TEST_PACKAGES)
	scripts/bench $(RELEASE)

# Python is used for clients of others only (pika), in an environment of its own.
.venv/ready:
	@scripts/require python3-venv
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check 'pika==1.3.*'
	touch $@

format:
	swift format --in-place --recursive Sources Tests Package.swift

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

clean:
	rm -rf .build .venv
