"""The filter, run as the kernel runs it: on the number of a call and the processor's interface."""
import struct

import pytest

from course.grading import seccomp

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003


def run(code, number, architecture):
    lines = list(struct.iter_unpack("=HBBI", code))
    at, value = 0, None
    while True:
        operation, yes, no, k = lines[at]
        at += 1
        if operation == seccomp.LOAD:
            value = {0: number, 4: architecture}[k]
        elif operation == seccomp.RETURN:
            return k
        else:
            at += yes if (value == k if operation == seccomp.JUMP_EQUAL else value >= k) else no


@pytest.mark.parametrize("machine, architecture, column", [("x86_64", X86_64, 0), ("aarch64", AARCH64, 1)])
def test_every_call_is_answered(machine, architecture, column):
    code = seccomp.program(machine)
    allowed = {call[column] for call in seccomp.ALLOWED.values()}
    for number in range(600):
        expected = seccomp.ALLOW if number in allowed else seccomp.ERRNO | seccomp.ENOSYS
        assert run(code, number, architecture) == expected
    assert run(code, seccomp.X32 | 39, architecture) == seccomp.KILL
    assert run(code, 39, I386) == seccomp.KILL


# Numbers on x86_64 and aarch64, from the kernel's tables: what starts processes and threads, opens sockets, holds memory
# that no limit counts, looks into other processes or changes what a process can see.
NEVER = {
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220), "clone3": (435, 435), "execveat": (322, 281),
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "io_uring_setup": (425, 425),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "io_setup": (206, 0), "pipe2": (293, 59), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "kcmp": (312, 272), "pidfd_open": (434, 434), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_by_handle_at": (304, 265), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "inotify_init1": (294, 26),
    "personality": (135, 92), "seccomp": (317, 277), "prctl": (157, 167), "setuid": (105, 146), "capset": (126, 91),
}


def test_what_must_not_be_allowed_is_not():
    assert not NEVER.keys() & seccomp.ALLOWED.keys()
    for column in (0, 1):
        assert not {call[column] for call in NEVER.values()} - {None} & {call[column] for call in seccomp.ALLOWED.values()} - {None}


def test_no_number_is_listed_twice():
    for column in (0, 1):
        numbers = [call[column] for call in seccomp.ALLOWED.values() if call[column] is not None]
        assert len(set(numbers)) == len(numbers)


def test_what_an_older_kernel_has_too_is_there_for_every_newer_call():
    """What the C library and Python fall back to where a call is missing, on kernels from 5.10 on."""
    for calls in (("openat", "open"), ("newfstatat", "stat"), ("fchmodat", "chmod"), ("renameat", "rename"), ("ppoll", "poll")):
        assert set(calls) <= seccomp.ALLOWED.keys()
    assert {name for name, call in seccomp.ALLOWED.items() if call[1] is None} == {
        "open", "creat", "dup2", "poll", "select", "stat", "lstat", "access", "getdents", "readlink", "mkdir", "rmdir", "unlink",
        "rename", "link", "symlink", "chmod", "utime", "utimes", "futimesat", "time", "alarm", "pause", "arch_prctl", "getpgrp"}


def test_unknown_machines_have_none():
    assert seccomp.program("riscv64") is None
