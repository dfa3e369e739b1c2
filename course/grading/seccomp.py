"""The system calls that an answer may make, as a filter that the kernel runs; every other call does not exist for it.

An answer is one process with one thread: it can start neither. So the limits of a process are the limits of all of
it, and there are no fork bombs and no daemons. It can open no socket, not even one that network namespaces do not
cover, and hold no memory that the limit of its address space does not count. A call that a newer kernel brings is
closed until it is listed here.

What is not allowed is answered "no such call" (ENOSYS), as an older kernel would: the C library then tries the older
call, and Python raises OSError.
"""
import platform
import struct

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
ENOSYS = 38
X32 = 0x40000000                # calls of the x32 interface have other numbers
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06

# name: (number on x86_64, number on aarch64); None where there is no such call. Source: the kernel's tables.
ALLOWED = {
    # files it has or makes: its library, its home, two pipes
    "open": (2, None), "openat": (257, 56), "creat": (85, None), "close": (3, 57), "close_range": (436, 436),
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69), "pwritev": (296, 70), "preadv2": (327, 286), "pwritev2": (328, 287), "sendfile": (40, 71),
    "copy_file_range": (326, 285), "lseek": (8, 62), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "fcntl": (72, 25), "ioctl": (16, 29), "flock": (73, 32), "fsync": (74, 82), "fdatasync": (75, 83),
    "truncate": (76, 45), "ftruncate": (77, 46), "fallocate": (285, 47), "fadvise64": (221, 223),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    # names and what is known of files
    "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "getxattr": (191, 8), "lgetxattr": (192, 9), "fgetxattr": (193, 10), "listxattr": (194, 11),
    "llistxattr": (195, 12), "flistxattr": (196, 13), "getdents": (78, None), "getdents64": (217, 61),
    "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "link": (86, None), "linkat": (265, 37), "symlink": (88, None),
    "symlinkat": (266, 36), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "umask": (95, 166),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    # memory
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "msync": (26, 227), "mincore": (27, 232),
    # time, chance, signals to itself
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None), "pause": (34, None), "restart_syscall": (219, 128), "getrandom": (318, 278),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132), "kill": (62, 129),
    "tkill": (200, 130), "tgkill": (234, 131),
    # the process itself: what the C library sets up and what Python asks; `runner` stops being root with the last ones
    "execve": (59, 221), "exit": (60, 93), "exit_group": (231, 94), "wait4": (61, 260), "waitid": (247, 95),
    "arch_prctl": (158, None), "set_tid_address": (218, 96), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "futex": (202, 98), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "getpid": (39, 172), "gettid": (186, 178),
    "getppid": (110, 173), "getpgrp": (111, None), "getpgid": (121, 155),
    "getsid": (124, 156), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158), "getpriority": (140, 141),
    "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163), "setrlimit": (160, 164),
    "prlimit64": (302, 261), "setgroups": (116, 159), "setresgid": (119, 149), "setresuid": (117, 147),
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}      # column above, AUDIT_ARCH_*


def program(machine=None):
    """Return the filter for a machine.

    Parameters
    ----------
    machine : str, optional
        As `platform.machine` names it, by default this one.

    Returns
    -------
    code : bytes or None
        An array of ``struct sock_filter``, as bubblewrap's ``--seccomp`` reads it; None for a machine whose
        calls are not listed here.
    """
    if (machine or platform.machine()) not in MACHINES:
        return None
    column, architecture = MACHINES[machine or platform.machine()]
    numbers = sorted({call[column] for call in ALLOWED.values()} - {None})
    tests = [(JUMP_AT_LEAST, X32, "kill"), *((JUMP_EQUAL, number, "allow") for number in numbers)]
    ends = {"missing": ERRNO | ENOSYS, "allow": ALLOW, "kill": KILL}        # the first is reached when no test fits
    end_at = {name: len(tests) + index for index, name in enumerate(ends)}
    lines = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    lines += [(code, end_at[end] - index - 1, 0, value) for index, (code, value, end) in enumerate(tests)]
    lines += [(RETURN, 0, 0, value) for value in ends.values()]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
