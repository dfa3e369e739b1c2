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
    denied = {call[column] for call in seccomp.DENIED.values()}
    for number in range(500):
        expected = (seccomp.ERRNO | seccomp.ENOSYS if number == seccomp.CLONE3 else
                    seccomp.ERRNO | seccomp.EPERM if number in denied else seccomp.ALLOW)
        assert run(code, number, architecture) == expected
    assert run(code, seccomp.X32 | 39, architecture) == seccomp.KILL
    assert run(code, 39, I386) == seccomp.KILL


def test_what_must_be_denied_is():
    assert {"fork", "vfork", "clone", "socket", "ptrace", "unshare", "mount", "memfd_create", "shmget",
            "io_uring_setup"} <= seccomp.DENIED.keys()
    assert seccomp.DENIED["socket"] == (41, 198) and seccomp.DENIED["clone"] == (56, 220)


def test_unknown_machines_have_none():
    assert seccomp.program("riscv64") is None
