"""The system calls an answer may not make, as a filter that the kernel runs.

An answer is one process with one thread: it can start neither. So the limits of a process are the limits of
all of it, and there are no fork bombs and no daemons. It can open no socket, not even one that network
namespaces do not cover, and hold no memory that the limit of its address space does not count.
"""
import platform
import struct

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
X32 = 0x40000000                # calls of the x32 interface have other numbers
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06

# name: (number on x86_64, number on aarch64); None where there is no such call. Source: the kernel's tables.
DENIED = {
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220),
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "mq_open": (240, 180), "io_setup": (206, 0),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "fanotify_init": (300, 262),
    "inotify_init1": (294, 26), "inotify_init": (253, None), "syslog": (103, 116), "quotactl": (179, 60),
    "personality": (135, 92), "acct": (163, 89), "lookup_dcookie": (212, 18),
}
CLONE3 = 435                    # answered "no such call": the C library then tries clone
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
    numbers = sorted({call[column] for call in DENIED.values()} - {None})
    tests = [(JUMP_AT_LEAST, X32, "kill"), (JUMP_EQUAL, CLONE3, "missing")]
    tests += [(JUMP_EQUAL, number, "denied") for number in numbers]
    ends = {"allow": ALLOW, "denied": ERRNO | EPERM, "missing": ERRNO | ENOSYS, "kill": KILL}
    end_at = {name: len(tests) + index for index, name in enumerate(ends)}
    lines = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    lines += [(code, end_at[end] - index - 1, 0, value) for index, (code, value, end) in enumerate(tests)]
    lines += [(RETURN, 0, 0, value) for value in ends.values()]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
