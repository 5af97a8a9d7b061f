//! The walls around a small worker without a data engine, as root and as an ordinary user.
//! What an ordinary user sees is tried in a child that has given up root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests panic, and say why they were skipped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const NOBODY: u32 = 65534;

/// The test program and profiles in a folder that every user may read. The last test removes it.
fn place() -> Arc<TempDir> {
    static SHARED: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = shared.upgrade() {
        return folder;
    }
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut built = std::env::current_exe().unwrap();
    built.pop();
    built.pop();
    fs::copy(built.join("examples/walls"), folder.path().join("walls")).unwrap();
    for path in [folder.path(), &folder.path().join("walls")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    *shared = Arc::downgrade(&folder);
    folder
}

fn here(name: &str) -> PathBuf {
    thread_local! {
        // Each test runs in a thread of its own and holds the folder as long as it runs.
        static HELD: Arc<TempDir> = place();
    }
    HELD.with(|folder| folder.path().join(name))
}

/// The shipped profile with small limits and the given changes.
fn profile(name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let mut text = include_str!("../../../policies/sandbox/sql.toml").to_owned();
    let small = [
        ("memory_mib = 1024", "memory_mib = 64"),
        ("scratch_mib = 1024", "scratch_mib = 16"),
        ("time_s = 60", "time_s = 2"),
        ("cpu_s = 600", "cpu_s = 30"),
    ];
    for (from, to) in small.iter().chain(changes) {
        assert!(text.contains(from), "{from} is not in the profile");
        text = text.replace(from, to);
    }
    let path = here(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Root,
    Nobody,
}

/// As whom the tests can run a keeper.
fn everyone() -> Vec<Who> {
    // The folder is owned by the effective user.
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap());
    if uid == 0 {
        vec![Who::Root, Who::Nobody]
    } else {
        println!("not root: tried as the own user only");
        vec![Who::Root]
    }
}

fn command(who: Who) -> Command {
    let mut command = Command::new(here("walls"));
    if who == Who::Nobody {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.env("SECRET", "4711").current_dir("/");
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn run(who: Who, profile: &Path, job: &str) -> String {
    let output = command(who).arg("run").arg(profile).arg(job).output();
    text(&output.unwrap())
}

fn doctor(mut command: Command, profile: &Path) -> Vec<Value> {
    let output = command.arg("doctor").arg(profile).output().unwrap();
    let text = text(&output);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
}

fn layer<'a>(layers: &'a [Value], name: &str) -> &'a Value {
    layers.iter().find(|l| l["layer"] == name).unwrap()
}

#[test]
fn every_wall_holds_against_its_own_worker() {
    let profile = profile("doctor.toml", &[("time_s = 2", "time_s = 60")]);
    for who in everyone() {
        let layers = doctor(command(who), &profile);
        assert_eq!(layers.len(), 21);
        let mut attacks = 0;
        for layer in &layers {
            for probe in layer["proof"].as_array().unwrap() {
                assert_eq!(probe["outcome"], "held", "{who:?}: {probe}");
                attacks += 1;
            }
            if layer["requirement"] == "required" {
                assert_eq!(layer["state"]["state"], "present", "{who:?}: {layer}");
            }
        }
        assert!(attacks >= 80, "{attacks} attacks");
        // Nothing but seccomp, which answers EPERM, and the kernel's own words.
        let proof = |name: &str| layer(&layers, name)["proof"].to_string();
        assert!(
            proof("empty_root").contains("ENOENT"),
            "{}",
            proof("empty_root")
        );
        assert!(proof("empty_root").contains("EROFS") || proof("empty_root").contains("EACCES"));
        assert!(
            proof("landlock").contains("EACCES"),
            "{}",
            proof("landlock")
        );
        assert!(proof("resource_limits").contains("ENOMEM"));
        assert!(proof("scratch").contains("ENOSPC"), "{}", proof("scratch"));
        if who == Who::Nobody {
            assert_eq!(layer(&layers, "separate_user")["state"]["state"], "missing");
        }
    }
}

#[test]
fn a_worker_reads_its_inputs_and_nothing_is_left_of_the_environment() {
    let profile = profile("read.toml", &[]);
    let open = here("open.csv");
    fs::write(&open, "a,b\n").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    for who in everyone() {
        let output = command(who)
            .args([
                "run",
                profile.to_str().unwrap(),
                "read",
                open.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        let said = text(&output);
        assert!(
            said.contains(r#"/in/stream = Ok(\"sealed bytes\")"#),
            "{who:?}: {said}"
        );
        assert!(
            said.contains(r#"/in/file = Ok(\"a,b\\n\")"#),
            "{who:?}: {said}"
        );
        assert!(said.contains("1 bound"), "{who:?}: {said}");
        let said = run(who, &profile, "env");
        assert!(
            !said.contains("SECRET") && said.contains("POLARS_MAX_THREADS"),
            "{said}"
        );
        assert!(run(who, &profile, "threads").contains("140"), "{who:?}");
        let said = run(who, &profile, "file");
        assert!(
            said.contains("bytes 262144\nbytes 37856\nFileEnd { bytes: 300000 }"),
            "{said}"
        );
    }
    // A file that only root may read is copied for a worker that is somebody else.
    let own = here("own.csv");
    fs::write(&own, "private").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    let args = [
        "run",
        profile.to_str().unwrap(),
        "read",
        own.to_str().unwrap(),
    ];
    let said = text(&command(Who::Root).args(args).output().unwrap());
    assert!(said.contains(r#"/in/file = Ok(\"private\")"#), "{said}");
    if everyone().contains(&Who::Nobody) {
        assert!(said.contains("0 bound"), "{said}");
    }
    if everyone().contains(&Who::Nobody) {
        let said = text(&command(Who::Nobody).args(args).output().unwrap());
        assert!(
            said.contains("not started: the input file could not be read"),
            "{said}"
        );
    }
}

#[test]
fn each_limit_ends_its_worker_and_is_named() {
    let fast = profile("limits.toml", &[]);
    let cpu = profile(
        "cpu.toml",
        &[("cpu_s = 30", "cpu_s = 1"), ("time_s = 2", "time_s = 60")],
    );
    for who in everyone() {
        for (profile, job, expected) in [
            (
                &fast,
                "sleep",
                "ended: the worker was stopped by its time limit",
            ),
            (
                &fast,
                "eat",
                "ended: the worker was stopped by its memory limit",
            ),
            (
                &cpu,
                "spin",
                "ended: the worker was stopped by its cpu limit",
            ),
            (&fast, "kill", "ended: the worker was ended"),
            (&fast, "cancel", "failed: the job was cancelled"),
            (
                &fast,
                "crash",
                "ended: the worker ended without an answer (signal",
            ),
            (
                &fast,
                "leave",
                "ended: the worker ended without an answer (exit code 7)",
            ),
            (
                &fast,
                "shout",
                "ended: the worker sent what it may not and was ended",
            ),
            (&fast, "report", "Report(Query { statements: 1 })"),
        ] {
            let said = run(who, profile, job);
            assert!(said.contains(expected), "{who:?} {job}: {said}");
        }
        // A cancellation that comes too late to be read takes nothing from the report.
        let said = run(who, &fast, "overtaken");
        let over = said.contains("Report(") && !said.contains("ended:");
        assert!(over, "{who:?}: {said}");
        // The clock starts anew with each statement.
        let said = run(who, &fast, "slowly");
        assert!(said.contains("Report("), "{said}");
    }
}

#[test]
fn what_a_worker_used_is_known_at_its_end() {
    let profile = profile("usage.toml", &[("time_s = 2", "time_s = 60")]);
    for who in everyone() {
        let used = |job: &str| -> [u64; 2] {
            let said = run(who, &profile, job);
            let line = said.lines().find_map(|line| line.strip_prefix("used "));
            let line = line.unwrap_or_else(|| panic!("{who:?} {job}: {said}"));
            let (cpu_ms, rest) = line.split_once(" ms, ").unwrap();
            let peak_kib = rest.strip_suffix(" KiB").unwrap();
            [cpu_ms.parse().unwrap(), peak_kib.parse().unwrap()]
        };
        let [idle_ms, idle_kib] = used("report");
        let [busy_ms, busy_kib] = used("toil");
        println!("{who:?}: {idle_ms} ms, {idle_kib} KiB; {busy_ms} ms, {busy_kib} KiB");
        assert!((1..50 << 10).contains(&idle_kib), "{who:?}: {idle_kib}");
        let expected = (200 << 10)..(250 << 10);
        assert!(expected.contains(&busy_kib), "{who:?}: {busy_kib}");
        assert!(busy_ms >= idle_ms + 200, "{who:?}: {idle_ms} {busy_ms}");
        // One that leaves without an answer is counted too.
        assert!(used("leave")[1] > 0, "{who:?}");
    }
}

#[test]
fn a_worker_does_not_outlive_its_keeper() {
    let profile = profile("orphan.toml", &[("time_s = 2", "time_s = 60")]);
    for who in everyone() {
        let said = run(who, &profile, "orphan");
        let guard: u32 = said
            .lines()
            .find_map(|line| line.strip_prefix("guard "))
            .and_then(|pid| pid.trim().parse().ok())
            .unwrap_or_else(|| panic!("{said}"));
        let until = Instant::now() + Duration::from_secs(5);
        while Path::new(&format!("/proc/{guard}/cmdline")).exists() && !is_gone(guard) {
            assert!(Instant::now() < until, "{who:?}: the guard is still there");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Ended, though its new parent may not have noticed.
fn is_gone(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn a_missing_layer_is_a_clear_no() {
    let plain = profile("plain.toml", &[]);
    // User namespaces taken away for real: inside an outer one that allows none.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" run \"$1\" report";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(here("walls"))
        .arg(&plain)
        .output()
        .unwrap();
    let said = text(&output);
    assert!(
        said.starts_with("not started: the sandbox layer user_namespace is missing (the kernel answers ENOSPC); without it a worker cannot be given a world of its own; allow user namespaces"),
        "{said}"
    );
    if everyone().contains(&Who::Nobody) {
        let strict = profile(
            "strict.toml",
            &[("separate_user = \"wanted\"", "separate_user = \"required\"")],
        );
        let said = run(Who::Nobody, &strict, "report");
        assert!(
            said.starts_with("not started: the sandbox layer separate_user is missing"),
            "{said}"
        );
        let strict = profile(
            "group.toml",
            &[("memory_cgroup = \"wanted\"", "memory_cgroup = \"required\"")],
        );
        let said = run(Who::Nobody, &strict, "report");
        assert!(
            said.starts_with("not started: the sandbox layer memory_cgroup is missing"),
            "{said}"
        );
    }
}

/// A system call, what the kernel answers instead, and the beginning of the refusal.
const REFUSALS: &[(i64, i32, &str)] = &[
    (
        libc::SYS_landlock_create_ruleset,
        libc::EOPNOTSUPP,
        "the sandbox layer landlock is missing (the kernel answers EOPNOTSUPP); without it one mistake in the mounts would open the files of the host; use Linux 6.7 or later",
    ),
    (
        libc::SYS_landlock_restrict_self,
        libc::EPERM,
        "the sandbox layer landlock is missing",
    ),
    (
        libc::SYS_unshare,
        libc::EPERM,
        "the sandbox layer user_namespace is missing (the kernel answers EPERM)",
    ),
    (
        libc::SYS_mount_setattr,
        libc::ENOSYS,
        "the sandbox layer read_only_inputs is missing (the kernel answers ENOSYS)",
    ),
    (
        libc::SYS_pivot_root,
        libc::EPERM,
        "the sandbox layer empty_root is missing",
    ),
    (
        libc::SYS_capset,
        libc::EPERM,
        "the sandbox layer capabilities is missing",
    ),
    (
        libc::SYS_setrlimit,
        libc::EPERM,
        "the sandbox layer resource_limits is missing",
    ),
    (
        libc::SYS_prlimit64,
        libc::EPERM,
        "the sandbox layer resource_limits is missing",
    ),
    (
        libc::SYS_seccomp,
        libc::ENOSYS,
        "the sandbox layer seccomp is missing",
    ),
    (
        libc::SYS_fsopen,
        libc::ENOSYS,
        "the sandbox layer mount_namespace is missing (the kernel answers ENOSYS)",
    ),
];

#[test]
fn a_wall_that_the_kernel_refuses_stops_the_start() {
    let profile = profile("refused.toml", &[]);
    for (call, errno, expected) in REFUSALS {
        for who in everyone() {
            let (number, errno) = (call.to_string(), errno.to_string());
            let output = command(who)
                .args([
                    "without",
                    &number,
                    &errno,
                    "run",
                    profile.to_str().unwrap(),
                    "report",
                ])
                .output();
            let said = text(&output.unwrap());
            // The C library sets limits by one call or the other.
            let other = *call == libc::SYS_setrlimit && said.contains("Report(");
            let no = said.starts_with(&format!("not started: {expected}"));
            assert!(no || other, "{who:?} without {number}: {said}");
        }
    }
}

#[test]
fn doctor_names_the_layer_that_is_missing() {
    let plain = profile("ill.toml", &[]);
    let mut command = Command::new("unshare");
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
    command
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(here("walls"));
    let layers = doctor(command, &plain);
    let userns = layer(&layers, "user_namespace");
    assert_eq!(userns["state"]["state"], "missing");
    assert_eq!(userns["state"]["why"], "the kernel answers ENOSPC");
    assert_eq!(
        layer(&layers, "seccomp")["state"]["why"],
        "it was not reached"
    );
}

#[test]
fn the_worker_does_nothing_without_a_keeper() {
    let output = Command::new(here("walls")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output), "");
}

#[test]
fn orders_that_do_not_fit_start_nothing() {
    let profile = profile(
        "fit.toml",
        &[("statement_bytes = 100000", "statement_bytes = 10")],
    );
    let said = run(Who::Root, &profile, "a statement of more than ten bytes");
    assert_eq!(
        said,
        "not started: the statement is longer than the limit statement_bytes of 10\n"
    );
    // A named pipe is refused and not waited for.
    let pipe = here("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for file in [Path::new("/absent"), &pipe] {
        let mut command = command(Who::Root);
        command.arg("run").arg(&profile).arg("read").arg(file);
        let said = text(&command.output().unwrap());
        assert_eq!(said, "not started: the input file could not be read\n");
    }
}
