# Everything is installed into .venv, and every path is relative: the folder's name may have spaces.
# GNU make 3.81 (macOS) or newer.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -n 2 --dist loadfile
REPLAY := $(PYTEST) --nbval --nbval-current-env --nbval-cell-timeout 120 lessons

CHECK := import sys; v = sys.version_info[:2]; \
  v >= (3, 11) or sys.exit("tinynet needs Python 3.11 or newer and $(PYTHON) is %d.%d; \
  name another, as in: make demo PYTHON=python3.12" % v)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test parity replay lessons lab assignments book bench weights clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/core ## transfer the pretrained network to the drawn cats; results in runs/demo
	$(RUN) -m tinynet transfer --out runs/demo

test: $(VENV)/test ## run every test but the comparison with PyTorch, and every lesson
	$(PYTEST) -m "not parity"
	$(REPLAY)

parity: $(VENV)/parity ## install PyTorch too and run the tests that compare with it
	$(PYTEST) -m parity

replay: $(VENV)/test ## run every lesson and compare what it shows with what it stores
	$(REPLAY)

lessons: $(VENV)/test ## run every lesson and store what it shows
	$(RUN) -m course execute

lab: $(VENV)/test ## open the first lesson in JupyterLab
	$(RUN) -m jupyterlab lessons/01_autograd.ipynb

assignments: $(VENV)/instructor ## make assignments/ again from solutions/
	$(RUN) -m course generate

book: $(VENV)/book ## make a web site of the lessons and the guide in build/book
	$(RUN) -m course book

bench: $(VENV)/bench ## measure the speed beside PyTorch and others, 40 minutes; results in benchmarks/
	$(RUN) -m benchmarks --json benchmarks/results.json

weights: $(VENV)/core ## make the pretrained weights again from the package they came in
	$(RUN) -m tools.squeezenet_weights

clean: ## remove .venv, caches and build products (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/NAME is an empty file: what NAME needs is installed, as pyproject.toml now says.
$(RUN):
	@$(PYTHON) -c '$(CHECK)'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/core: pyproject.toml $(RUN)
	$(RUN) -m pip install -e .
	@touch $@

$(VENV)/test: pyproject.toml $(RUN)
	$(RUN) -m pip install -e ".[course,test]"
	@touch $@

$(VENV)/instructor: pyproject.toml $(RUN)
	$(RUN) -m pip install -e ".[course,test,instructor]"
	@touch $@

$(VENV)/book: pyproject.toml $(RUN)
	$(RUN) -m pip install -e ".[course,book]"
	@touch $@

# Chainer does not build with setuptools 80; without it, the report says that it is missing.
$(VENV)/bench: pyproject.toml $(RUN)
	$(RUN) -m pip install -e ".[bench]" torch==2.13.0 "setuptools<80"
	$(RUN) -m pip install --no-deps torchvision==0.28.0 timm==1.0.31 huggingface_hub
	-$(RUN) -m pip install --no-build-isolation chainer==7.8.1
	@touch $@

# torchvision's wheel wants a CUDA build of torch, and timm wants torchvision: their networks are all that is asked of them.
$(VENV)/parity: $(VENV)/test
	$(RUN) -m pip install -e ".[zoo,export]" torch==2.13.0 keras==3.15.1 onnx==1.23.2 onnxruntime==1.32.0
	$(RUN) -m pip install --no-deps torchvision==0.28.0 timm==1.0.31 huggingface_hub
	@touch $@
