//! A sealed worker attacks its own walls. Nothing outside is harmed where one is broken: files are
//! opened and closed, sockets are made and never connected, signals are the empty one.

mod exhaustion;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use libc::c_long;
use protocol::limits::Limits;
use protocol::posture::{Layer, Outcome, Probe};

use super::fence::{OPEN_FILES, data_bytes};
use crate::sys;

/// Processes outside the walls, by their number on the host.
#[derive(Debug, Clone, Copy)]
pub struct Strangers {
    pub(super) guard: i32,
    pub(super) keeper: i32,
}

struct Attacks(Vec<Probe>);

impl Attacks {
    /// An attack that must fail.
    fn must_fail<T>(&mut self, layer: Layer, attempt: &str, answer: io::Result<T>) {
        let (outcome, happened) = match answer {
            Ok(_) => (Outcome::Broken, "it worked".to_owned()),
            Err(error) => (Outcome::Held, sys::errno_name(&error)),
        };
        self.note(layer, attempt, outcome, happened);
    }

    /// A fact that must be so.
    fn must_be(&mut self, layer: Layer, fact: &str, answer: io::Result<Outcome>) {
        let (outcome, happened) = match answer {
            Ok(Outcome::Held) => (Outcome::Held, "so it is".to_owned()),
            Ok(Outcome::Broken) => (Outcome::Broken, "it is not so".to_owned()),
            Err(error) => (Outcome::Broken, sys::errno_name(&error)),
        };
        self.note(layer, fact, outcome, happened);
    }

    /// A call that the list of allowed calls must answer: with EPERM, or with ENOSYS where it is to look
    /// absent. Any other error comes from the kernel behind the list.
    fn call(&mut self, layer: Layer, attempt: &str, number: c_long, arguments: [u64; 6]) {
        let (outcome, happened) = match sys::attempt(number, arguments) {
            Ok(_) => (Outcome::Broken, "it worked".to_owned()),
            Err(error) => {
                let listed = matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS));
                (if_so(listed), sys::errno_name(&error))
            }
        };
        self.note(layer, attempt, outcome, happened);
    }

    fn note(&mut self, layer: Layer, attempt: &str, outcome: Outcome, happened: String) {
        self.0.push(Probe {
            layer,
            attempt: attempt.into(),
            outcome,
            happened,
        });
    }
}

fn if_so(so: bool) -> Outcome {
    if so { Outcome::Held } else { Outcome::Broken }
}

/// Tries every wall from inside. The last attempts use up scratch space, files and threads: the worker
/// is fit for nothing else after it.
#[must_use]
pub fn attack(limits: &Limits, strangers: Strangers) -> Vec<Probe> {
    let mut attacks = Attacks(Vec::new());
    files(&mut attacks);
    sockets(&mut attacks);
    processes(&mut attacks, strangers);
    namespaces(&mut attacks);
    calls(&mut attacks);
    rights(&mut attacks);
    memory(&mut attacks, limits);
    exhaustion::exhaust(&mut attacks, limits);
    attacks.0
}

fn files(attacks: &mut Attacks) {
    use Layer::{EmptyRoot, Landlock, ReadOnlyInputs, Scratch};
    for path in [
        "/etc/passwd",
        "/proc/self/status",
        "/sys/kernel",
        "/dev/null",
        "/tmp",
        "/root",
    ] {
        attacks.must_fail(EmptyRoot, &format!("see {path}"), fs::metadata(path));
    }
    for path in ["/../etc/passwd", "/in/../../etc/hostname"] {
        attacks.must_fail(EmptyRoot, &format!("open {path}"), File::open(path));
    }
    attacks.must_fail(EmptyRoot, "create a file in /", File::create("/x"));
    attacks.must_fail(EmptyRoot, "make a folder in /", fs::create_dir("/x"));
    attacks.must_fail(
        ReadOnlyInputs,
        "create a file in /in",
        File::create("/in/x.wal"),
    );
    let inputs: Vec<_> = fs::read_dir(protocol::INPUTS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    for path in inputs {
        let write = OpenOptions::new().write(true).open(&path);
        attacks.must_fail(ReadOnlyInputs, "open an input for writing", write);
        attacks.must_fail(ReadOnlyInputs, "remove an input", fs::remove_file(&path));
        let aside = Path::new(protocol::SCRATCH).join("aside");
        attacks.must_fail(ReadOnlyInputs, "move an input", fs::rename(&path, aside));
        attacks.must_be(
            ReadOnlyInputs,
            "an input can be read",
            File::open(&path).map(|_| Outcome::Held),
        );
    }
    attacks.must_fail(Landlock, "list /", fs::read_dir("/"));
    attacks.must_fail(Landlock, "open / itself", File::open("/"));
    attacks.must_be(
        Scratch,
        "a file in /spill can be written and removed",
        fs::write("/spill/t", b"t")
            .and_then(|()| fs::remove_file("/spill/t"))
            .map(|()| Outcome::Held),
    );
}

fn sockets(attacks: &mut Attacks) {
    use Layer::{NetworkNamespace, Seccomp};
    for (name, family) in [
        ("INET", libc::AF_INET),
        ("INET6", libc::AF_INET6),
        ("UNIX", libc::AF_UNIX),
        ("NETLINK", libc::AF_NETLINK),
        ("VSOCK", libc::AF_VSOCK),
        ("PACKET", libc::AF_PACKET),
        ("ALG", libc::AF_ALG),
    ] {
        let layer = match family {
            libc::AF_INET | libc::AF_INET6 | libc::AF_PACKET => NetworkNamespace,
            _ => Seccomp,
        };
        let kind = libc::SOCK_STREAM as u64;
        attacks.call(
            layer,
            &format!("make an {name} socket"),
            libc::SYS_socket,
            [family as u64, kind, 0, 0, 0, 0],
        );
    }
    let connect = [protocol::SOCKET_FD as u64, 0, 0, 0, 0, 0];
    attacks.call(
        Seccomp,
        "reconnect the own socket",
        libc::SYS_connect,
        connect,
    );
    attacks.call(
        Seccomp,
        "pass descriptors over the own socket",
        libc::SYS_sendmsg,
        connect,
    );
    attacks.call(
        Seccomp,
        "make a pair of sockets",
        libc::SYS_socketpair,
        [1, 1, 0, 0, 0, 0],
    );
}

fn processes(attacks: &mut Attacks, strangers: Strangers) {
    use Layer::{LandlockScopes, PidNamespace, Seccomp};
    attacks.must_be(
        PidNamespace,
        "it is process 1 and sees no parent",
        Ok(if_so(sys::getpid() == 1 && sys::getppid() == 0)),
    );
    for (name, pid) in [("guard", strangers.guard), ("keeper", strangers.keeper)] {
        let pid = pid as u64;
        attacks.call(
            LandlockScopes,
            &format!("signal the {name}"),
            libc::SYS_kill,
            [pid, 0, 0, 0, 0, 0],
        );
        // Allowed by the list: only the namespace answers.
        attacks.must_fail(
            PidNamespace,
            &format!("signal a thread of the {name}"),
            sys::attempt(libc::SYS_tgkill, [pid, pid, 0, 0, 0, 0]),
        );
        attacks.call(
            PidNamespace,
            &format!("trace the {name}"),
            libc::SYS_ptrace,
            [libc::PTRACE_SEIZE as u64, pid, 0, 0, 0, 0],
        );
        attacks.call(
            PidNamespace,
            &format!("read memory of the {name}"),
            libc::SYS_process_vm_readv,
            [pid, 0, 0, 0, 0, 0],
        );
        attacks.call(
            PidNamespace,
            &format!("open the {name}"),
            libc::SYS_pidfd_open,
            [pid, 0, 0, 0, 0, 0],
        );
    }
    // Were these to work, the child would leave at once and take nothing along.
    let spawned = sys::attempt(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]);
    if matches!(spawned, Ok(0)) {
        sys::exit_now(0);
    }
    attacks.must_fail(Seccomp, "start a process", spawned);
    attacks.call(
        Seccomp,
        "start a process by clone3",
        libc::SYS_clone3,
        [0, 0, 0, 0, 0, 0],
    );
    let program = c"/in/program".as_ptr() as u64;
    attacks.call(
        Seccomp,
        "run a program",
        libc::SYS_execve,
        [program, 0, 0, 0, 0, 0],
    );
    attacks.call(
        Seccomp,
        "run a program by descriptor",
        libc::SYS_execveat,
        [3, program, 0, 0, 0, 0],
    );
}

fn namespaces(attacks: &mut Attacks) {
    use Layer::{CgroupNamespace, IpcNamespace, MountNamespace, UserNamespace, UtsNamespace};
    attacks.call(
        UserNamespace,
        "enter a new user namespace",
        libc::SYS_unshare,
        [libc::CLONE_NEWUSER as u64, 0, 0, 0, 0, 0],
    );
    attacks.call(
        CgroupNamespace,
        "enter a new cgroup namespace",
        libc::SYS_unshare,
        [libc::CLONE_NEWCGROUP as u64, 0, 0, 0, 0, 0],
    );
    attacks.call(
        MountNamespace,
        "join a namespace",
        libc::SYS_setns,
        [3, 0, 0, 0, 0, 0],
    );
    let root = c"/".as_ptr() as u64;
    let inputs = c"/in".as_ptr() as u64;
    let writable = libc::MS_REMOUNT | libc::MS_BIND;
    attacks.call(
        MountNamespace,
        "make /in writable",
        libc::SYS_mount,
        [0, inputs, 0, writable, 0, 0],
    );
    attacks.call(
        MountNamespace,
        "unmount /in",
        libc::SYS_umount2,
        [inputs, 0, 0, 0, 0, 0],
    );
    attacks.call(
        MountNamespace,
        "change the root",
        libc::SYS_chroot,
        [root, 0, 0, 0, 0, 0],
    );
    attacks.call(
        IpcNamespace,
        "get shared memory",
        libc::SYS_shmget,
        [0, 4096, 0o1600, 0, 0, 0],
    );
    attacks.call(
        IpcNamespace,
        "get a message queue",
        libc::SYS_msgget,
        [0, 0o1600, 0, 0, 0, 0],
    );
    attacks.must_be(
        UtsNamespace,
        "the host is called worker",
        sys::host_name().map(|name| if_so(name == "worker")),
    );
}

/// Calls of the kernel that have held holes before, or show more than a worker needs.
fn calls(attacks: &mut Attacks) {
    for (name, number) in [
        ("use io_uring", libc::SYS_io_uring_setup),
        ("load a kernel program", libc::SYS_bpf),
        ("handle page faults", libc::SYS_userfaultfd),
        ("read performance counters", libc::SYS_perf_event_open),
        ("open a keyring", libc::SYS_keyctl),
        ("add a key", libc::SYS_add_key),
        ("make a file without a name", libc::SYS_memfd_create),
        ("open by handle", libc::SYS_open_by_handle_at),
        ("read the kernel's log", libc::SYS_syslog),
        ("install a filter", libc::SYS_seccomp),
        ("control a device", libc::SYS_ioctl),
    ] {
        attacks.call(Layer::Seccomp, name, number, [0, 0, 0, 0, 0, 0]);
    }
}

fn rights(attacks: &mut Attacks) {
    use Layer::{
        Capabilities, CleanStart, Guarded, NoNewPrivileges, Seccomp, SeparateUser, UserNamespace,
    };
    attacks.must_be(
        Capabilities,
        "it has no capability",
        sys::capabilities().map(|all| if_so(all == 0)),
    );
    attacks.call(
        Capabilities,
        "set capabilities",
        libc::SYS_capset,
        [0, 0, 0, 0, 0, 0],
    );
    attacks.call(
        SeparateUser,
        "become root",
        libc::SYS_setuid,
        [0, 0, 0, 0, 0, 0],
    );
    attacks.must_be(
        UserNamespace,
        "it is not root inside",
        Ok(if_so(sys::euid() != 0 && sys::egid() != 0)),
    );
    attacks.must_be(
        NoNewPrivileges,
        "new privileges are off",
        sys::prctl(libc::PR_GET_NO_NEW_PRIVS, 0).map(|set| if_so(set == 1)),
    );
    attacks.must_be(
        Guarded,
        "its memory cannot be dumped",
        sys::prctl(libc::PR_GET_DUMPABLE, 0).map(|set| if_so(set == 0)),
    );
    let dumpable = [libc::PR_SET_DUMPABLE as u64, 1, 0, 0, 0, 0];
    attacks.call(Guarded, "become dumpable", libc::SYS_prctl, dumpable);
    let outlive = [libc::PR_SET_PDEATHSIG as u64, 0, 0, 0, 0, 0];
    attacks.call(Guarded, "outlive the guard", libc::SYS_prctl, outlive);
    // Thread pools read the three variables that sealing sets.
    let foreign = std::env::vars_os().filter(|(name, _)| {
        name != "TZ" && name != "POLARS_MAX_THREADS" && name != "RAYON_NUM_THREADS"
    });
    attacks.must_be(
        CleanStart,
        "the environment is empty",
        Ok(if_so(foreign.count() == 0)),
    );
    let foreign = (4..OPEN_FILES as i32).filter(|fd| sys::is_other_file(*fd));
    attacks.must_be(
        CleanStart,
        "no descriptor but the socket to the keeper is open",
        Ok(if_so(foreign.count() == 0)),
    );
    attacks.must_fail(
        Seccomp,
        "map executable memory",
        sys::try_map(4096, libc::MAP_PRIVATE, libc::PROT_READ | libc::PROT_EXEC),
    );
    attacks.must_fail(
        Seccomp,
        "make memory executable",
        sys::try_make_executable(),
    );
}

fn memory(attacks: &mut Attacks, limits: &Limits) {
    use Layer::ResourceLimits;
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let bytes = data_bytes(limits);
    let over = usize::try_from(bytes).unwrap_or(usize::MAX);
    attacks.must_fail(
        ResourceLimits,
        &format!("take {} MiB of memory", bytes >> 20),
        sys::try_map(over, libc::MAP_PRIVATE, writable),
    );
    attacks.must_fail(
        Layer::Seccomp,
        "map shared memory without a file",
        sys::try_map(4096, libc::MAP_SHARED, writable),
    );
    // The memory group is not attacked: it kills, and a dead worker reports nothing.
    let raise = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    let at = &raw const raise as u64;
    for (name, resource) in [
        ("memory", libc::RLIMIT_DATA),
        ("threads", libc::RLIMIT_NPROC),
        ("CPU time", libc::RLIMIT_CPU),
    ] {
        attacks.call(
            ResourceLimits,
            &format!("raise the limit on {name}"),
            libc::SYS_prlimit64,
            [0, u64::from(resource), at, 0, 0, 0],
        );
    }
}
