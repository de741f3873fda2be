"""Who is let in, who is believed, and what is said where neither happens."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gpujobs.ssh import (
    HostConnection,
    HostKeyMismatch,
    HostUnreachable,
    KeyUnusable,
    LoginRefused,
    fingerprint,
    scan_host_key,
)
from gpujobs.ssh.keys import load_private_key
from tests.ssh.hosts import Host
from tests.ssh.openssh import OpenSSHServer, free_port, make_key


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_of_any_type_opens(host: Host, keys: Path, kind: str) -> None:
    with HostConnection.open(replace(host.target, key_path=str(keys / kind))) as connection:
        assert connection.is_alive
    assert not connection.is_alive


def test_a_locked_key_opens_with_its_passphrase(host: Host, keys: Path) -> None:
    locked = replace(host.target, key_path=str(keys / "locked"))
    HostConnection.open(replace(locked, passphrase="열쇠 1")).close()
    for passphrase in (None, "another"):
        with pytest.raises(KeyUnusable, match="passphrase"):
            HostConnection.open(replace(locked, passphrase=passphrase))


def test_a_passphrase_that_is_not_needed_does_no_harm(host: Host) -> None:
    HostConnection.open(replace(host.target, passphrase="not needed")).close()


def test_a_missing_key_file_is_said(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="No such file"):
        HostConnection.open(replace(host.target, key_path=str(tmp_path / "none")))
    (tmp_path / "text").write_text("not a key")
    with pytest.raises(KeyUnusable, match="no private key"):
        HostConnection.open(replace(host.target, key_path=str(tmp_path / "text")))


def test_a_strangers_key_is_refused(host: Host, keys: Path) -> None:
    with pytest.raises(LoginRefused):
        HostConnection.open(replace(host.target, key_path=str(keys / "stranger")))


def test_another_user_is_refused(host: Host) -> None:
    with pytest.raises(LoginRefused):
        HostConnection.open(replace(host.target, username="nobody-we-know"))


def test_the_scanned_key_is_the_one_to_pin(host: Host) -> None:
    scanned = scan_host_key(host.target.address, host.target.port)
    assert scanned.split() == host.target.host_key.split()[:2]


@pytest.mark.sshd
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "열쇠 1"])
def test_what_ssh_keygen_makes_is_read_and_named_alike(tmp_path: Path, kind: str, form: str, passphrase: str) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed (Debian: openssh-client)")
    # Without a comment, a file may end without padding, which some readers take for an empty file.
    making = ["ssh-keygen", "-q", "-t", kind, "-m", form, "-N", passphrase, "-C", "", "-f", tmp_path / "key"]
    subprocess.run(making, check=True)
    public = (tmp_path / "key.pub").read_text()
    listing = ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"]
    printed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    assert fingerprint(public) in printed.split()
    assert load_private_key(str(tmp_path / "key"), passphrase or None).get_base64() == public.split()[1]
    if passphrase:
        for wrong in (None, "another"):
            with pytest.raises(KeyUnusable, match="passphrase"):
                load_private_key(str(tmp_path / "key"), wrong)


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 ***", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA=="])
def test_what_is_no_host_key_has_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="host key"):
        fingerprint(text)


def test_another_host_key_is_refused_with_both_fingerprints(host: Host, keys: Path) -> None:
    other = (keys / "stranger.pub").read_text()
    with pytest.raises(HostKeyMismatch) as caught:
        HostConnection.open(replace(host.target, host_key=other))
    assert caught.value.expected == fingerprint(other)
    assert caught.value.seen == fingerprint(host.target.host_key)
    assert caught.value.expected in str(caught.value)
    assert caught.value.seen in str(caught.value)


def test_an_unknown_host_key_is_refused_with_its_fingerprint(host: Host) -> None:
    with pytest.raises(HostKeyMismatch, match="none is pinned") as caught:
        HostConnection.open(replace(host.target, host_key=""))
    assert (caught.value.expected, caught.value.seen) == ("", fingerprint(host.target.host_key))


def test_a_host_key_of_another_type_is_a_mismatch_too(host: Host, keys: Path) -> None:
    with pytest.raises(HostKeyMismatch):
        HostConnection.open(replace(host.target, host_key=(keys / "rsa.pub").read_text()))


@pytest.mark.sshd
def test_a_changed_host_hears_nothing_of_us(openssh: OpenSSHServer, openssh_host: Host) -> None:
    openssh.kill()
    changed = openssh.change_host_key()
    openssh.start()
    with pytest.raises(HostKeyMismatch) as caught:
        openssh_host.connect()
    assert caught.value.seen == fingerprint(changed)
    assert f"user {openssh.username}" not in openssh.log


@pytest.mark.sshd
def test_the_pinned_type_is_asked_for_where_a_host_has_several(
    tmp_path: Path, authorized: list[str], keys: Path
) -> None:
    root = tmp_path / "several"
    root.mkdir()
    server = OpenSSHServer(root, authorized)
    rsa = make_key(root / "rsa_key", "rsa")
    with (root / "sshd_config").open("a") as configuration:
        configuration.write(f"HostKey {root}/rsa_key\n")
    with server:
        for pinned in (server.host_key, rsa):
            HostConnection.open(replace(server.target(keys / "ed25519"), host_key=pinned)).close()


def test_a_host_that_is_down_is_unreachable(host: Host) -> None:
    with pytest.raises(HostUnreachable, match="refused"):
        HostConnection.open(replace(host.target, port=free_port()))
    with pytest.raises(HostUnreachable):
        HostConnection.open(replace(host.target, address="no-such-host.invalid"))


@contextmanager
def listener_that_says(words: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # Without words, the connection waits in the backlog.
        if words:

            def speak() -> None:
                client, _ = server.accept()
                with client:
                    client.sendall(words)

            threading.Thread(target=speak, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-Silent\r\n"])
def test_what_does_not_speak_ssh_is_unreachable_in_time(host: Host, words: bytes) -> None:
    started = time.monotonic()
    with listener_that_says(words) as port, pytest.raises(HostUnreachable):
        HostConnection.open(replace(host.target, port=port), timeout=1)
    assert time.monotonic() - started < 5


@pytest.mark.sshd
def test_a_host_is_reached_through_a_jump_host(host: Host, tmp_path: Path, authorized: list[str], keys: Path) -> None:
    root = tmp_path / "jump"
    root.mkdir()
    with OpenSSHServer(root, authorized, [host.target.port]) as jump_server:
        jump = jump_server.target(keys / "ed25519")
        with HostConnection.open(replace(host.target, jump=jump)) as connection:
            assert host.comfy(connection).system_stats() is not None
        with pytest.raises(HostUnreachable, match="jump"):
            HostConnection.open(replace(host.target, port=free_port(), jump=jump))
        wrong = replace(jump, host_key=(keys / "stranger.pub").read_text())
        with pytest.raises(HostKeyMismatch):
            HostConnection.open(replace(host.target, jump=wrong))


def test_a_connection_is_dead_in_a_child_and_alive_in_its_parent(host: Host) -> None:
    with host.connect() as connection:
        child = os.fork()
        if child == 0:
            alive = connection.is_alive
            connection.close()
            os._exit(1 if alive else 0)
        assert os.waitpid(child, 0)[1] == 0
        assert connection.is_alive
        assert host.comfy(connection).system_stats() is not None


def test_a_target_shows_no_passphrase(host: Host) -> None:
    assert "secret" not in repr(replace(host.target, passphrase="secret"))
