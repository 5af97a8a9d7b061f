//! Capabilities, Landlock, resource limits and the list of allowed system calls.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope,
};
use libc::c_long;
use protocol::limits::Limits;
use protocol::posture::Layer;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::SealError;
use super::walls::Walls;
use crate::sys;

/// Most open files of the worker.
pub(super) const OPEN_FILES: u64 = 64;
/// Most threads of the worker.
pub(super) const THREADS: u64 = 64;

/// Most bytes of private memory of the process, from the engine's own limit: untracked allocations of
/// the engine come on top of it, and turn into an error instead of a kill.
pub(crate) fn data_bytes(limits: &Limits) -> u64 {
    (u64::from(limits.memory_mib) * 2 + 256) << 20
}

pub(super) fn capabilities(walls: &mut Walls) -> Result<(), SealError> {
    let remedy = "use Linux 4.3 or later";
    walls.raise(Layer::Capabilities, remedy, || {
        sys::drop_capabilities()?;
        Ok("none in any set".into())
    })?;
    walls.raise(Layer::NoNewPrivileges, remedy, || {
        sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
        match sys::prctl(libc::PR_GET_NO_NEW_PRIVS, 0)? {
            1 => Ok("set".into()),
            _ => Err(io::Error::other("it did not stay set")),
        }
    })?;
    Ok(())
}

pub(super) fn landlock(walls: &mut Walls) -> Result<(), SealError> {
    let remedy =
        "use Linux 6.7 or later with landlock in the kernel's lsm= list (CONFIG_SECURITY_LANDLOCK)";
    let abi = sys::landlock_abi();
    let version = *abi.as_ref().unwrap_or(&0);
    walls.raise(Layer::Landlock, remedy, || {
        let abi = abi?;
        if abi < 4 {
            return Err(io::Error::other(format!(
                "this kernel has Landlock ABI {abi}, and TCP needs 4"
            )));
        }
        restrict().map_err(io::Error::other)?;
        Ok(format!("ABI {abi}"))
    })?;
    walls.raise(
        Layer::LandlockScopes,
        "use Linux 6.12 or later",
        || match version {
            6.. => Ok("signals and abstract sockets".into()),
            _ => Err(io::Error::other(format!(
                "this kernel has Landlock ABI {version}, and scopes need 6"
            ))),
        },
    )?;
    Ok(())
}

fn restrict() -> Result<(), String> {
    let failed = |error: landlock::RulesetError| error.to_string();
    let place = |path: &str| PathFd::new(path).map_err(|error| error.to_string());
    let scratch = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V4))
        .map_err(failed)?
        .handle_access(AccessNet::from_all(ABI::V4))
        .map_err(failed)?
        // Rights that later kernels know are denied too where they exist.
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V9))
        .map_err(failed)?
        .scope(Scope::from_all(ABI::V6))
        .map_err(failed)?
        .set_compatibility(CompatLevel::HardRequirement)
        .create()
        .map_err(failed)?
        .add_rule(PathBeneath::new(
            place(protocol::INPUTS)?,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))
        .map_err(failed)?
        .add_rule(PathBeneath::new(place(protocol::SCRATCH)?, scratch))
        .map_err(failed)?
        .restrict_self()
        .map_err(failed)?;
    Ok(())
}

pub(super) fn limits(limits: &Limits, walls: &mut Walls) -> Result<(), SealError> {
    let data = data_bytes(limits);
    let wanted = [
        (libc::RLIMIT_DATA, data),
        // Bounds the page tables of mappings that count as nothing else.
        (
            libc::RLIMIT_AS,
            data.saturating_mul(4).saturating_add(8 << 30),
        ),
        (libc::RLIMIT_STACK, 8 << 20),
        (libc::RLIMIT_FSIZE, u64::from(limits.scratch_mib) << 20),
        (libc::RLIMIT_NOFILE, OPEN_FILES),
        (libc::RLIMIT_NPROC, THREADS),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_MEMLOCK, 0),
        (libc::RLIMIT_MSGQUEUE, 0),
        (libc::RLIMIT_CPU, u64::from(limits.cpu_s)),
    ];
    walls.raise(Layer::ResourceLimits, "use Linux 4.7 or later", || {
        for (resource, most) in wanted {
            sys::set_limit(resource, most)?;
            let (soft, hard) = sys::limit(resource)?;
            if soft > most || hard > most {
                return Err(io::Error::other("a limit did not stay set"));
            }
        }
        Ok(format!(
            "{} MiB of memory, {} s of CPU, {THREADS} threads, {OPEN_FILES} files",
            data >> 20,
            limits.cpu_s
        ))
    })?;
    Ok(())
}

pub(super) fn seccomp(walls: &mut Walls) -> Result<(), SealError> {
    let remedy = "use a kernel with CONFIG_SECCOMP_FILTER, on x86-64 or arm64";
    walls.raise(Layer::Seccomp, remedy, || {
        let failed = |error: seccompiler::Error| io::Error::other(error.to_string());
        let (absent, allowed) = filters().map_err(|error| io::Error::other(error.to_string()))?;
        // The first filter must be in before the second forbids installing one.
        seccompiler::apply_filter(&absent).map_err(failed)?;
        seccompiler::apply_filter(&allowed).map_err(failed)?;
        // The list lets neither itself be asked for nor a socket be made: the second proves it stands.
        match sys::attempt(
            libc::SYS_socket,
            [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0],
        ) {
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {}
            Ok(_) | Err(_) => return Err(io::Error::other("the filter did not hold")),
        }
        Ok(format!("{} instructions", absent.len() + allowed.len()))
    })?;
    Ok(())
}

/// The program that makes `clone3` look absent (its arguments cannot be seen, and the C library falls
/// back to `clone`), and the list of allowed calls. Where both answer, the kernel takes the stricter.
fn filters() -> Result<(BpfProgram, BpfProgram), seccompiler::BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let absent = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, vec![])]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        arch,
    )?;
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        PLAIN.iter().map(|number| (*number, vec![])).collect();
    rules.insert(libc::SYS_clone3, vec![]);
    rules.insert(libc::SYS_clone, vec![thread_only()?]);
    let no_exec = bits(2, libc::PROT_EXEC, 0)?;
    rules.insert(
        libc::SYS_mprotect,
        vec![SeccompRule::new(vec![no_exec.clone()])?],
    );
    // Shared memory without a file counts against no limit of the process: private, or of a file.
    let private = bits(3, libc::MAP_TYPE, libc::MAP_PRIVATE)?;
    let of_a_file = bits(3, libc::MAP_ANONYMOUS, 0)?;
    rules.insert(
        libc::SYS_mmap,
        vec![
            SeccompRule::new(vec![no_exec.clone(), private])?,
            SeccompRule::new(vec![no_exec, of_a_file])?,
        ],
    );
    // Reading the own limits, never setting them: no new value is passed.
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![equals(2, 0)?])?],
    );
    rules.insert(
        libc::SYS_prctl,
        [
            libc::PR_SET_NAME,
            libc::PR_GET_NAME,
            libc::PR_GET_NO_NEW_PRIVS,
            libc::PR_GET_DUMPABLE,
            libc::PR_GET_PDEATHSIG,
        ]
        .into_iter()
        .map(|option| SeccompRule::new(vec![equals(0, option as u64)?]))
        .collect::<Result<_, _>>()?,
    );
    let allowed = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        arch,
    )?;
    Ok((absent.try_into()?, allowed.try_into()?))
}

fn equals(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

/// Of the bits in `mask`, exactly those in `value` are set.
fn bits(
    argument: u8,
    mask: libc::c_int,
    value: libc::c_int,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(mask as u64),
        value as u64,
    )
}

/// `clone` makes threads of this process and nothing else: no process, no namespace.
fn thread_only() -> Result<SeccompRule, seccompiler::BackendError> {
    let must = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
    // CLONE_NEWTIME shares a bit with the exit signal, which threads do not have.
    let never = (libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_VFORK
        | 0x80) as u64;
    SeccompRule::new(vec![SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(must | never),
        must,
    )?])
}

/// Calls that are allowed with any arguments: files by path (Landlock and the mounts decide which),
/// memory, threads, time, and leaving.
const PLAIN: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_truncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_mkdirat,
    // Closes the copy of a file to SQL, which cannot change modes; the mounts bound what it reaches.
    libc::SYS_fchmodat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_msync,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Only its own threads exist in its process namespace.
    libc::SYS_tgkill,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_capget,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_ppoll,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Older forms, which a C library may still use on this architecture.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getrlimit,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];
