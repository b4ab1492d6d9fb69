"""Runs a command that is not trusted, as far from everything as this machine allows.

A script of the standard library alone: `python confine.py LIMITS COMMAND…`, where LIMITS is the JSON of `Limits`.
It takes away, and then becomes the command:

- time, memory and file size, by resource limits;
- the network, other processes and their shared memory, by namespaces of Linux (`unshare`);
- files, by Landlock: the command reads the folders that it is given, writes one, and sees no other.

`python confine.py --probe` prints which of them this machine has, as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, NoReturn

CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
#: Of Landlock, the same on every processor (linux/unistd.h).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
#: linux/landlock.h: execute, read files, read folders.
READ = 1 << 0 | 1 << 2 | 1 << 3
READ_FILE, WRITE_FILE = 1 << 0 | 1 << 2, 1 << 1
PROCESSES = 64
"""A compiler starts three."""

_libc = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Of this machine's Landlock; 0 if there is none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def restrict_files(readable: list[str], writable: str) -> bool:
    """Forbid this process all files but these, and TCP and signals to others where Landlock can."""
    version = landlock_version()
    if version == 0:
        return False
    every_right = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    attributes = struct.pack("QQQ", every_right, 3, 3)[: 8 + 8 * (version >= 4) + 8 * (version >= 6)]
    rules = _libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    given = {**dict.fromkeys(readable, READ), writable: every_right, "/dev/null": READ | WRITE_FILE}
    for path, rights in given.items():
        if not os.path.exists(path):
            continue
        allowed = rights if os.path.isdir(path) else rights & (READ_FILE | WRITE_FILE)
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if _libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", allowed, folder), 0) != 0:
            return False
        os.close(folder)
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(_libc.syscall(RESTRICT_SELF, rules, 0) == 0)


def leave_namespaces() -> bool:
    """Go where there is no network, and no process but the children to come."""
    others = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC
    return bool(_libc.unshare(CLONE_NEWUSER | others) == 0 or _libc.unshare(others) == 0)


def _limit(limits: dict[str, Any], apart: bool) -> None:
    seconds, memory = int(limits["cpu_seconds"]), int(limits["memory_bytes"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limits["file_bytes"]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if apart:
        # Elsewhere the limit would count all processes of this user.
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))


def run(limits: dict[str, Any], command: list[str]) -> NoReturn:
    """Run `command`, confined, and end as it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    apart = leave_namespaces()
    child = os.fork()
    if child == 0:
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        _limit(limits, apart)
        if landlock_version() and not restrict_files(limits["readable"], limits["writable"]):
            print("files could not be taken away", file=sys.stderr)
            os._exit(126)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"cannot run {command[0]}: {error}", file=sys.stderr)
            os._exit(127)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        # A first process of a namespace, such as this one's child, cannot be imitated by a signal to itself.
        os._exit(128 + os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def main() -> None:
    if sys.argv[1:] == ["--probe"]:
        apart = leave_namespaces()
        version = landlock_version()
        print(json.dumps({"network": apart or version >= 4, "processes": apart, "files": version > 0}))
        return
    run(json.loads(sys.argv[1]), sys.argv[2:])


if __name__ == "__main__":
    main()
