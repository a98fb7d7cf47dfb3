# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that tells playbooks what a lesson of the course begins with, and what is typed and checked in it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lesson
short_description: A lesson of the course, as playbooks need it
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns what C(playbooks/lesson.yml) and C(playbooks/check.yml) do for a lesson, or what is wrong with what was
    asked for.
options:
  _terms:
    description:
      - One dictionary, C(lesson), C(stage), C(fault) and C(lang), as somebody gave them; V(null) for what was not
        given.
    required: true
  default_stage:
    description:
      - What is meant if no stage is given, V(first) for the lesson's start, V(last) for the last step's end.
      - V(first) is for whoever brings a lab there, and gets told how. V(last) is for whoever looks at it.
    type: str
    choices: [first, last]
    default: last
"""

EXAMPLES = r"""
- name: Show the checks of a lesson
  ansible.builtin.debug:
    msg: "{{ lookup('container_network.lab.lesson', wanted).checks }}"
  vars:
    wanted: {lesson: calico_68, stage: 1, fault: null, lang: en}
"""

RETURN = r"""
_raw:
  description:
    - One dictionary. C(problems), sentences; if there are none also C(stage), the number of the step; C(checks), by
      host, for the module M(container_network.lab.network_checks); with O(default_stage=first) also C(network),
      C(variables), C(containers), C(reset) and C(runs), how a lab comes to the end of that step.
  type: list
  elements: dict
"""

from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.course.plan import (  # noqa: E402
    lesson_checks,
    lesson_plan,
    wanted_problems,
)
from ansible_collections.container_network.lab.plugins.plugin_utils.lessons import (  # noqa: E402
    lesson_names,
    read_lesson,
)


class LookupModule(LookupBase):
    """A lesson for playbooks."""

    def run(self, terms, variables=None, **kwargs):
        """Return the lesson's plan, or problems."""
        self.set_options(var_options=variables, direct=kwargs)
        (wanted,) = terms
        names = lesson_names()
        lesson = read_lesson(wanted["lesson"]) if wanted["lesson"] in names else None
        hostvars = variables["hostvars"]
        hosts = [hostvars[name].get("lesson_host", name) for name in variables["ansible_play_hosts_all"]]
        problems = wanted_problems(wanted, names, lesson, hosts)
        if problems or lesson is None:
            return [{"problems": problems}]
        first = self.get_option("default_stage") == "first" and not wanted["fault"]
        default = 0 if first else lesson.last_step
        stage = default if wanted["stage"] is None else int(wanted["stage"])
        found = {"problems": [], "stage": stage, "checks": lesson_checks(lesson, stage)}
        if self.get_option("default_stage") == "last":
            return [found]
        of_lab = [one for one in map(read_lesson, names) if one.lab == lesson.lab]
        return [{**found, **lesson_plan(lesson, stage, wanted["fault"], of_lab)}]
