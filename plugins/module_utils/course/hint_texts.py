# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody is told of a container or network that is not as the page makes it, in the languages of the course."""

from __future__ import annotations

NO_RESULTS = {
    "en": "{host} gave no results. Does it run, and does Ansible get in? What the host said stands further above.",
    "zh": "{host} 没有返回结果。它在运行吗？Ansible 能登录吗？具体报错见上面的输出。",
}
OTHER_HOST = {
    "en": "{name} is on {found} and belongs on {host}.",
    "zh": "{name} 跑到了 {found} 上，它应该在 {host}。",
}
MISTYPED = {
    "en": "{host} has no {name}, but {found}. Is that a typing mistake?",
    "zh": "{host} 上没有 {name}，却有 {found}。是不是名字打错了？",
}
MISSING = {
    "en": "There is no {name} on {host} yet; step {step} makes it. docker ps --all shows what is there.",
    "zh": "{host} 上还没有 {name}，它在步骤 {step} 里创建。docker ps --all 列出已有的容器。",
}
NOT_STARTED = {
    "en": "{name} was made and could not start; docker start {name} says why.",
    "zh": "{name} 已创建，但启动失败；docker start {name} 会说明原因。",
}
NOT_RUNNING = {
    "en": "{name} is there and does not run ({found}). A container runs as long as its command, and a shell without "
    "a terminal ends at once. If it was only stopped: docker start {name}.",
    "zh": "{name} 存在，但没有在运行（{found}）。命令一结束容器就停止，没有终端的 shell 会立刻结束。"
    "若只是被停掉，用 docker start {name}。",
}
ON_DOCKER0 = {
    "en": "{name} runs, but on docker0. A container gets its network when it is made; which option names it?",
    "zh": "{name} 在运行，但接在 docker0 上。容器的网络要在创建时指定，用的是哪个选项？",
}
NOT_ON_DOCKER0 = {
    "en": "{name} runs on the network {found}. It belongs on docker0, where it is without an option for that.",
    "zh": "{name} 接在了网络 {found} 上。它应该接 docker0：不写网络选项时容器就在那里。",
}
OTHER_NETWORK = {
    "en": "{name} runs on the network {found} and belongs on {network}. Two networks do not talk to each other.",
    "zh": "{name} 接到了网络 {found}，它应该接 {network}。两个网络互不相通。",
}
OTHER_DRIVER = {
    "en": "There is a network {name}, but its driver is {found}. Which option of docker network create chooses it?",
    "zh": "网络 {name} 存在，但它的驱动是 {found}。docker network create 的哪个选项用来指定驱动？",
}
