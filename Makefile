# The two commands of the README, and their parts. Works from a clone in a directory of any name, as root or with sudo.
#
#   make lab CNI=flannel [LAB=four_nodes] [EXTRA="-e flannel_backend=host-gw"]
#   make test
#   make fresh, make fresh-trixie-user [FRESH="'make unit' 'make integration'"]
#   make core-2.18
#   make test-vagrant

CNI ?= flannel
LAB ?= $(if $(LESSON),$(lesson_lab),four_nodes)
EXTRA ?=
# Places for "make impair" and "make capture", and what is done there; the ends of "make walk": docs/look.md. What
# "make compare" compares: docs/compare.md.
ON ?=
WITH ?=
FROM ?=
TO ?=
# A lesson of the course; WITH has the keys of its playbooks.
LESSON ?=
# Whether the lab of a Molecule scenario goes before and after its test: always or never.
DESTROY ?= always
# How many inputs each test of "make fuzz" draws.
FUZZ_EXAMPLES ?= 5000
# How long "make soak" takes, what it draws its actions from, and on which networks; without a seed it prints the one it has.
SECONDS ?= 3600
SEED ?=
KINDS ?=
# What "make fresh" types: a list of quoted command lines.
FRESH ?= 'make lab CNI=$(CNI) LAB=$(LAB)' 'make test'

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

export ANSIBLE_CONFIG := ansible.cfg
# Programs of the virtual environment first, also for what they start; and the system's, which a user's own path lacks.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/local/sbin:/usr/sbin:/sbin

as_root := tools/as_root env ANSIBLE_CONFIG=ansible.cfg
pytest := python3 -m pytest
pytest_as_root := $(as_root) $(pytest) -p no:cacheprovider
# The lab of a lesson; of a name that there is not, some lab's inventory, with which the playbook says so.
lesson_lab = $(or $(shell sed -n 's/^lab: //p' docs/course/lessons/$(LESSON).yml 2>/dev/null),two_hosts)
# Two hosts are the smallest lab on which all can disagree; LAB=… chooses another.
soak_lab = $(if $(filter file,$(origin LAB)),two_hosts,$(LAB))

# A lab that needs more Python packages than the others has a file for them.
lab_requirements := $(or $(wildcard requirements-$(LAB).txt),requirements.txt)
lab_ready := .venv/.ready-lab$(if $(wildcard requirements-$(LAB).txt),-$(LAB))
compare_ready := .venv/.ready-compare
test_ready := .venv/.ready-test
unit_ready := .venv/.ready-unit
vagrant_ready := .venv/.ready-vagrant
site_ready := .venv/.ready-site
all_scenarios := $(notdir $(patsubst %/molecule.yml,%,$(wildcard molecule/*/molecule.yml)))
cores := 2.17 2.18 2.19 2.20 2.21
vagrant_scenarios := $(filter %_vagrant,$(all_scenarios))
# Those that use the lab of the scenario default, and those with a lab of their own.
shared_scenarios := $(filter-out default,$(notdir $(patsubst %/molecule.yml,%,$(shell grep -lx 'shared_state: true' molecule/*/molecule.yml))))
own_scenarios := $(filter-out default $(shared_scenarios) $(vagrant_scenarios),$(all_scenarios))
fresh_machines := $(foreach suite,bookworm trixie,$(suite)-root $(suite)-user)
# The inventory that a scenario names.
inventory_of = $(shell sed -n 's,.*--inventory=$${MOLECULE_PROJECT_DIRECTORY}/,,p' molecule/$1/molecule.yml)
on_machines := --base-config .config/molecule/config.yml --base-config .config/molecule/vagrant.yml

.PHONY: help
help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

# --- the lab --------------------------------------------------------------------------------------

.PHONY: lab
lab: $(lab_ready) ## bring up the lab LAB with the network CNI, and verify it
	$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/lab_up.yml $(EXTRA)
	$(as_root) ansible-playbook -i inventories/$(LAB) site.yml -e cni=$(CNI) $(EXTRA)

.PHONY: lab-down
lab-down: $(lab_ready) ## remove the lab LAB
	$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/lab_down.yml $(EXTRA)

# --- to see it ------------------------------------------------------------------------------------

.PHONY: status
status: $(lab_ready) ## show how the labs of this machine and the hosts of LAB are
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/status.yml $(EXTRA)

.PHONY: capture
capture: $(lab_ready) ## capture packets to files: ON=node-1/busybox,subnet-1 WITH="seconds=10 packets=100"
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/capture.yml -e "on=$(ON) $(WITH)" $(EXTRA)

.PHONY: draw
draw: $(lab_ready) ## draw what is on the hosts of LAB: drawings/topology.html, .svg, .mmd, .dot, .json
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/draw.yml $(EXTRA)

.PHONY: walk
walk: $(lab_ready) ## follow a packet hop by hop, and send one to prove it: FROM=node-1/busybox TO=node-4/busybox
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/walk.yml -e "from=$(FROM) to=$(TO) $(WITH)" $(EXTRA)

.PHONY: compare
compare: $(compare_ready) ## make and measure one network after another on LAB: WITH="networks=flannel,calico runs=3"
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/compare.yml $(if $(WITH),-e "$(WITH)") $(EXTRA)

.PHONY: pictures
pictures: $(lab_ready) ## make the pictures of the documentation from the lab four_nodes, which is left with Flannel
	$(as_root) ansible-playbook -i inventories/four_nodes playbooks/lab_up.yml
	$(as_root) ansible-playbook -i inventories/four_nodes site.yml -e cni=flannel
	python3 tools/pictures.py

.PHONY: impair
impair: $(lab_ready) ## make a line of the lab LAB worse: ON=node-1 WITH="delay=50ms loss=1%", or whole: WITH=heal=true
	@$(as_root) ansible-playbook -i inventories/$(LAB) playbooks/impair.yml -e "on=$(ON) $(WITH)" $(EXTRA)

# --- the course -----------------------------------------------------------------------------------

begin_lesson = ansible-playbook -i inventories/$(lesson_lab) playbooks/lesson.yml -e "lesson=$(LESSON) $(WITH)"

.PHONY: lesson
lesson: $(lab_ready) ## bring a lab to the start of LESSON, or WITH=stage=3, WITH=fault=NAME: docs/course/README.md
	@$(as_root) env ANSIBLE_DISPLAY_FAILED_STDERR=true $(begin_lesson) --tags asked --skip-tags always $(EXTRA) >/dev/null
	$(as_root) ansible-playbook -i inventories/$(lesson_lab) playbooks/lab_up.yml $(EXTRA)
	$(as_root) $(begin_lesson) $(EXTRA)

.PHONY: check
check: $(lab_ready) ## say what is done of LESSON, and give hints: WITH="stage=2 lang=zh"
	@$(as_root) ansible-playbook -i inventories/$(lesson_lab) playbooks/check.yml -e "lesson=$(LESSON) $(WITH)" $(EXTRA)

.PHONY: course
course: $(test_ready) ## work through all lessons, or LESSON, as tests; those that are quick are part of "test"
	$(pytest_as_root) -q tests/course -k "$(LESSON)"

.PHONY: quick-lessons quick-lessons-on-nodes
quick-lessons: $(test_ready)
	$(pytest_as_root) -q -m "not long and not on_nodes" tests/course

quick-lessons-on-nodes: $(test_ready)
	$(pytest_as_root) -q -m "not long and on_nodes" tests/course

# --- the tests ------------------------------------------------------------------------------------

.PHONY: test
test: $(test_ready) ## lint, and all tests but fault-tests and test-vagrant; all parts, also after one that failed
	@$(MAKE) --keep-going --jobs=4 --output-sync=target $(rows)

# Rows, four of them side by side: each waits more than it computes. No two of them have hosts of the same names: what uses
# node-1 to node-4 is in one row, what uses host1 and host2 in another. The longest begin, and the others come as these end.
# What the last one of all does is seen at once, and the output of another as a whole when it has ended.
rows := tests-on-hosts tests-on-pair tests-on-nodes integration tests-on-other-labs tests-without-lab
in_turn = env --unset=MAKEFLAGS $(MAKE) --keep-going
scenarios_of = $(foreach each,$(own_scenarios),$(if $(filter $1,$(call inventory_of,$(each))),molecule-$(each)))
nodes_scenarios = $(call scenarios_of,inventories/aws_vpc inventories/docker_hosts)
hosts_scenarios = $(call scenarios_of,inventories/two_hosts)
pair_scenarios = $(call scenarios_of,tests/inventories/pair)

.PHONY: $(rows)
tests-on-hosts: $(test_ready)
	@env --unset=MAKEFLAGS $(MAKE) --keep-going lab-tests $(hosts_scenarios) quick-lessons

tests-on-pair: $(test_ready)
	@$(in_turn) look-tests $(pair_scenarios)

tests-on-nodes: $(test_ready)
	@$(in_turn) $(nodes_scenarios) molecule-shared quick-lessons-on-nodes

tests-on-other-labs: $(test_ready)
	@$(in_turn) $(filter-out $(nodes_scenarios) $(hosts_scenarios) $(pair_scenarios),$(addprefix molecule-,$(own_scenarios)))

tests-without-lab: $(test_ready)
	@$(in_turn) lint docs sanity unit

.PHONY: lint
lint: $(test_ready) ## ruff, ansible-lint, changelog fragments
	ruff check .
	ruff format --check .
	ANSIBLE_CONFIG= ansible-lint --strict
	antsibull-changelog lint

.PHONY: sanity
sanity: $(test_ready) ## ansible-test sanity
	tools/sanity

.PHONY: unit
unit: $(unit_ready) ## pure rules, and some odd inputs for them, without root
	$(pytest) -q tests/unit tests/fuzz

.PHONY: fuzz
fuzz: $(unit_ready) ## thousands of odd inputs: variables, documents, names, what stands in etcd; not part of "test"
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(pytest) -q tests/fuzz

.PHONY: integration
integration: $(test_ready) ## modules against real namespaces and a real Docker Engine
	$(pytest_as_root) -q -m "not long" tests/integration

.PHONY: molecule
molecule: molecule-shared $(addprefix molecule-,$(own_scenarios)) ## all Molecule scenarios

.PHONY: molecule-shared
molecule-shared: $(test_ready) ## those of one lab: each network in the place of the one before; all of them, also after one that failed
	@$(MAKE) molecule-destroy
	@$(MAKE) --keep-going DESTROY=never $(addprefix molecule-,$(shared_scenarios)) molecule-destroy

.PHONY: molecule-destroy
molecule-destroy: $(test_ready)
	$(as_root) molecule destroy

.PHONY: $(addprefix molecule-,$(shared_scenarios) $(own_scenarios))
$(addprefix molecule-,$(shared_scenarios)): molecule-%: $(test_ready)
	@$(if $(filter always,$(DESTROY)),$(MAKE) molecule-destroy)
	$(as_root) molecule test --scenario-name $* --destroy $(DESTROY)

$(addprefix molecule-,$(own_scenarios)): molecule-%: $(test_ready)
	$(as_root) molecule test --scenario-name $* --destroy $(DESTROY)

.PHONY: test-vagrant
test-vagrant: $(addprefix machines-,$(vagrant_scenarios)) ## scenarios on virtual machines with Debian's own kernel

.PHONY: $(addprefix machines-,$(vagrant_scenarios))
$(addprefix machines-,$(vagrant_scenarios)): machines-%: $(vagrant_ready)
	$(as_root) tools/vagrant/lab --inventory $(call inventory_of,$*) molecule $(on_machines) test --scenario-name $*

.PHONY: lab-tests
lab-tests: $(test_ready) ## whole labs: faults, restarts, leftovers
	$(pytest_as_root) -q -m "not long" tests/lab

.PHONY: look-tests
look-tests: $(test_ready) ## a whole lab: status, impair, walk and compare
	$(pytest_as_root) -q tests/look

.PHONY: fault-tests
fault-tests: $(test_ready) ## daemons, hosts and playbooks killed, a thousand containers on a host; not part of "test"
	$(pytest_as_root) -q -m long tests/lab tests/integration

.PHONY: soak
soak: $(test_ready) ## an hour of random actions and faults on LAB, or SECONDS=…; SEED=… KINDS=… replays one; not part of "test"
	$(as_root) env PYTHONPATH=.:collections python3 -m tests.soak --lab $(soak_lab) --seconds $(SECONDS) \
		$(and $(SEED),--seed $(SEED)) $(and $(KINDS),--kinds $(KINDS))

.PHONY: $(addprefix core-,$(cores))
$(addprefix core-,$(cores)): core-%: # sanity and unit tests with another ansible-core, which this Python has
	tools/with_core $* tools/sanity
	tools/with_core $* python3 -m pytest -q tests/unit tests/fuzz

.PHONY: fresh
fresh: ## both commands above on bare machines of Debian 12 and 13, as root and as a user
	@$(MAKE) --keep-going $(addprefix fresh-,$(fresh_machines))

.PHONY: $(addprefix fresh-,$(fresh_machines))
$(addprefix fresh-,$(fresh_machines)): fresh-%:
	@tools/fresh/packages
	tools/fresh/machine $(subst -, ,$*) $(FRESH)

.PHONY: bench
bench: $(test_ready) ## measure; prints tables
	$(as_root) python3 -m tests.benchmarks

.PHONY: docs
docs: $(test_ready) ## check the plugins' documentation
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self .

.PHONY: site
site: $(site_ready) ## make the site of all pages, in English and Chinese: site/index.html
	tools/site/build

# --- the tools ------------------------------------------------------------------------------------

# What an environment is made with, and what goes into it besides packages.
venv_tools := tools/make_venv roles/lab/files/compiled_modules.py

$(lab_ready): requirements.txt $(lab_requirements) $(venv_tools)
	@tools/make_venv $(lab_requirements)
	@touch $@

$(compare_ready): requirements-compare.txt $(lab_ready) $(venv_tools)
	@tools/make_venv requirements-compare.txt
	@touch $@

$(site_ready): requirements.txt requirements-site.txt $(venv_tools)
	@tools/make_venv requirements-site.txt
	@touch $@

$(unit_ready): requirements.txt requirements-compare.txt requirements-unit.txt $(venv_tools)
	@tools/make_venv requirements-unit.txt
	@touch $@

$(test_ready): requirements.txt $(addprefix requirements-,aws_vpc.txt compare.txt site.txt test.txt unit.txt) $(venv_tools) tools/test_packages
	@tools/test_packages
	@tools/make_venv requirements-test.txt
	@touch $@ $(lab_ready) $(compare_ready) $(site_ready) $(unit_ready)

$(vagrant_ready): requirements-vagrant.txt $(test_ready) tools/vagrant/packages
	@tools/vagrant/packages
	@tools/make_venv requirements-vagrant.txt
	@touch $@
