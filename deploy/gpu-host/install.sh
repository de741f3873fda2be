#!/bin/bash
# Make a bare Ubuntu machine with NVIDIA GPUs a host for the portal. Run as root, again after every change; README.md.
#
#     ./install.sh PUBLIC_KEY_FILE
#
# PUBLIC_KEY_FILE holds the public half of the portal's key. Models are not fetched here: fetch_models.py does that.
set -euo pipefail
HOME_DIRECTORY=/srv/comfyui
APP=$HOME_DIRECTORY/app
KEY=$(readlink -f "${1:?usage: install.sh PUBLIC_KEY_FILE}")
cd "$(dirname "$(readlink -f "$0")")"

say() { printf '\n== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "Run this as root."
ssh-keygen -l -f "$KEY" >/dev/null || fail "$KEY is no public key."
# A private key that was copied here by mistake must not end up in a folder that all may read.
grep -q PRIVATE "$KEY" && fail "$KEY is the private half. It stays on the portal's machine."
gpus=$(nvidia-smi --query-gpu=index --format=csv,noheader | wc -l)
[ "$gpus" -ge 1 ] || fail "nvidia-smi lists no GPU; install NVIDIA's driver first (README.md, step 1)."
[ "$gpus" -le 8 ] || fail "$gpus GPUs: add their ports to sshd-portal.conf and this line."

say "Packages of the system"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    git ca-certificates openssh-server sudo build-essential python3 python3-dev python3-venv

say "Users"
getent group comfyui >/dev/null || groupadd --system comfyui
id comfyui >/dev/null 2>&1 || useradd --system --gid comfyui --home-dir $HOME_DIRECTORY --no-create-home --shell /usr/sbin/nologin comfyui
# A shell, because sshd starts portal-gate through it; no password, no home, no key of its own.
id gpu >/dev/null 2>&1 || useradd --system --user-group --groups comfyui --home-dir / --no-create-home --shell /bin/sh gpu
usermod --append --groups comfyui --password '*' gpu

say "ComfyUI and its nodes, as needs.json says"
install -d -m 755 $HOME_DIRECTORY $APP
# name, folder, repository, commit or tag: one package a line.
python3 - <<'PYTHON' | while IFS=$'\t' read -r name folder repository commit; do
import json
for package in json.load(open("needs.json", encoding="utf-8"))["packages"]:
    own = package["name"] == "ComfyUI"
    folder = "." if own else "custom_nodes/" + package["name"]
    print(package["name"], folder, package["repository"], package["commit"], sep="\t")
PYTHON
    printf '%s %s\n' "$name" "$commit"
    git init -q "$APP/$folder"
    case $commit in
    # The tag itself is kept: ComfyUI tells its version by it.
    v*) git -C "$APP/$folder" fetch -q --depth 1 "$repository" "refs/tags/$commit:refs/tags/$commit" </dev/null ;;
    *) git -C "$APP/$folder" fetch -q --depth 1 "$repository" "$commit" </dev/null ;;
    esac
    git -C "$APP/$folder" -c advice.detachedHead=false checkout -q --force FETCH_HEAD </dev/null
done
# Root owns the code and comfyui asks git for its version.
git config --system --get-all safe.directory | grep -qx $APP || git config --system --add safe.directory $APP

say "Python packages"
[ -x $HOME_DIRECTORY/venv/bin/pip ] || python3 -m venv $HOME_DIRECTORY/venv
$HOME_DIRECTORY/venv/bin/pip install -q -r requirements.txt

say "Folders"
install -d -o comfyui -g comfyui -m 750 $APP/user $HOME_DIRECTORY/cache
install -d -o comfyui -g comfyui -m 2770 $HOME_DIRECTORY/data

say "sshd, sudo and systemd"
install -m 755 portal-gate /usr/local/lib/portal-gate
install -d -m 755 /etc/ssh/portal_keys
install -m 644 "$KEY" /etc/ssh/portal_keys/gpu
install -m 644 sshd-portal.conf /etc/ssh/sshd_config.d/60-portal.conf
install -d -m 755 /run/sshd
sshd -t
visudo -qcf sudoers-portal
install -m 440 sudoers-portal /etc/sudoers.d/portal
install -m 644 comfyui@.service comfyui.slice /etc/systemd/system/
systemctl daemon-reload
# Newer Ubuntu starts sshd with the first connection: then there is nothing to reload.
systemctl try-reload-or-restart ssh
for ((gpu = 0; gpu < gpus; gpu++)); do
    systemctl enable "comfyui@$gpu.service"
done

say "Done: $gpus GPU(s). Next: the models (README.md, step 4)."
