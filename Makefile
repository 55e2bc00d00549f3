# One command a line; each sets up .venv first if it has to.
#   make demo              the whole product in three minutes: a simulated camera, a watched folder, graded pictures
#   make run IN=… OUT=…    watch a folder of your own
#   make test | check      the suite | formatting, types, import direction
#   make train SAMPLES=…    the weights of hdr-unet, from radiance maps and photographs; goes on where it was stopped
#   make bench | docs      speed and memory as ratios | the generated pages of docs/
#   sudo make install      virtual environment in PREFIX, units and profiles in place (DESTDIR is honored)
PREFIX ?= /opt/ispd
DESTDIR ?=
SAMPLES ?= ../shared/samples
TRAINED ?= build/hdr-unet
BIN := .venv/bin

.PHONY: setup demo run test check bench docs train install uninstall

setup:
	@scripts/setup

demo: setup
	$(BIN)/ispd demo

run: setup
	@$(BIN)/ispd run $(if $(IN),--watch "$(IN)") $(if $(OUT),--deliver "$(OUT)")

test: setup
	$(BIN)/pytest -n 2

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: setup
	$(BIN)/python -m bench

train: setup
	@mkdir -p "$(TRAINED)"
	@printf '%s = "%s"\n' architecture hdr-unet maps "$$(realpath "$(SAMPLES)/hdr")" \
	    photos "$$(realpath "$(SAMPLES)/photos")" out . > "$(TRAINED)/recipe.toml"
	@echo 'workers = 1' >> "$(TRAINED)/recipe.toml"
	nice $(BIN)/ispd model train "$(TRAINED)/recipe.toml"

docs: setup
	$(BIN)/python docs/generate.py

install:
	@scripts/install "$(DESTDIR)" "$(PREFIX)"

uninstall:
	@scripts/uninstall "$(DESTDIR)" "$(PREFIX)"
