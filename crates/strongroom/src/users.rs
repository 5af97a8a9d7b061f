//! A Unix user for each process: who they are, and how a process becomes one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::{prctl, stat};
use nix::unistd::{self, Gid, Uid};
use protocol::keeper::Door;
use serde::Deserialize;

use crate::problem::Problem;

/// A Unix user with their own group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Who runs what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Users {
    pub(crate) front: User,
    pub(crate) indexing: User,
    pub(crate) keeper: User,
}

/// `[users]` of the config file: names or numbers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersConfig {
    /// Runs the research desk.
    front: NameOrNumber,
    /// Runs the indexing desk.
    indexing: NameOrNumber,
    /// Runs the keeper.
    keeper: NameOrNumber,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum NameOrNumber {
    Number(u32),
    Name(String),
}

impl NameOrNumber {
    fn look_up(&self) -> Result<User, Problem> {
        let (found, word) = match self {
            Self::Number(uid) => (unistd::User::from_uid(Uid::from_raw(*uid)), uid.to_string()),
            Self::Name(name) => (unistd::User::from_name(name), name.clone()),
        };
        match (found, self) {
            (Ok(Some(user)), _) => Ok(User {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            }),
            // A number without a name has the group of the same number.
            (Ok(None), Self::Number(uid)) => Ok(User {
                uid: *uid,
                gid: *uid,
            }),
            (Ok(None), Self::Name(_)) => Err(Problem::could_not(format!(
                "[users] names {word}, and there is no such user"
            ))),
            (Err(_), _) => Err(Problem::could_not(format!(
                "user {word} cannot be looked up"
            ))),
        }
    }
}

impl UsersConfig {
    /// The users with their groups. Three of each, none of them root's: a shared user or group is no wall.
    ///
    /// # Errors
    /// Which user is missing, shared or root.
    pub(crate) fn look_up(&self) -> Result<Users, Problem> {
        let users = Users {
            front: self.front.look_up()?,
            indexing: self.indexing.look_up()?,
            keeper: self.keeper.look_up()?,
        };
        let all = [users.front, users.indexing, users.keeper];
        if all.iter().any(|user| user.uid == 0 || user.gid == 0) {
            return Err(Problem::could_not(
                "[users] must not name root or its group",
            ));
        }
        for (n, user) in all.iter().enumerate() {
            if all
                .iter()
                .skip(n + 1)
                .any(|other| other.uid == user.uid || other.gid == user.gid)
            {
                return Err(Problem::could_not(
                    "[users] needs three users, each with a group of its own",
                ));
            }
        }
        Ok(users)
    }
}

impl Users {
    pub(crate) fn desk(&self, door: Door) -> User {
        match door {
            Door::Research => self.front,
            Door::Indexing => self.indexing,
        }
    }

    /// The further groups of a desk: the keeper's, for the way to its socket; the store's.
    fn groups(&self, door: Door) -> Vec<u32> {
        match door {
            Door::Research => vec![self.keeper.gid],
            Door::Indexing => vec![self.keeper.gid, self.front.gid],
        }
    }

    /// What stands before a desk's command line so that it runs as its user.
    pub(crate) fn as_desk(&self, door: Door) -> Vec<OsString> {
        run_as(self.desk(door), &self.groups(door))
    }

    /// What stands before the keeper's command line so that it runs as its user, without any further group.
    pub(crate) fn as_keeper(&self) -> Vec<OsString> {
        run_as(self.keeper, &[])
    }
}

/// What stands before a command line so that it runs as a user with these further groups.
pub(crate) fn run_as(user: User, groups: &[u32]) -> Vec<OsString> {
    let mut line: Vec<OsString> = ["run-as", "--uid", &user.uid.to_string(), "--gid"]
        .map(OsString::from)
        .into();
    line.push(user.gid.to_string().into());
    for group in groups {
        line.extend(["--group".into(), OsString::from(group.to_string())]);
    }
    line.push("--".into());
    line
}

/// Becomes a user for good, then this program again.
#[derive(Debug, clap::Args)]
pub(crate) struct RunAsArgs {
    #[arg(long)]
    uid: u32,
    #[arg(long)]
    gid: u32,
    #[arg(long = "group")]
    groups: Vec<u32>,
    /// The command line to go on with.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Drops root's rights and starts this program again as the user: a new program image, so that nothing of the old
/// one is left and the process may make user namespaces for its workers.
pub(crate) fn become_user(args: &RunAsArgs) -> Result<ExitCode, Problem> {
    let (uid, gid) = (Uid::from_raw(args.uid), Gid::from_raw(args.gid));
    if uid.is_root() || args.gid == 0 || args.groups.contains(&0) {
        return Err(Problem::could_not("run-as does not run as root"));
    }
    let groups: Vec<Gid> = args.groups.iter().copied().map(Gid::from_raw).collect();
    unistd::setgroups(&groups)
        .and_then(|()| unistd::setresgid(gid, gid, gid))
        .and_then(|()| unistd::setresuid(uid, uid, uid))
        .and_then(|()| prctl::set_no_new_privs())
        .map_err(|_| Problem::could_not("only root can start a process as another user"))?;
    if unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(Problem::could_not("root's rights could not be dropped"));
    }
    stat::umask(stat::Mode::from_bits_truncate(0o027));
    let me = std::env::current_exe()
        .map_err(|_| Problem::could_not("this program cannot find itself"))?;
    let error = Command::new(&me).args(&args.command).exec();
    Err(Problem::could_not(format!(
        "{} cannot be started as user {}: {error}",
        me.display(),
        args.uid
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(text: &str) -> Result<Users, String> {
        let config: UsersConfig = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        config.look_up().map_err(|problem| problem.text)
    }

    #[test]
    fn three_users_with_groups_of_their_own_are_needed_and_none_is_root() {
        let users = look_up("front = 64001\nindexing = 64002\nkeeper = 64003").unwrap();
        let (uid, gid) = (64002, 64002);
        assert_eq!(users.desk(Door::Indexing), User { uid, gid });
        for (wrong, says) in [
            (
                "front = 64001\nindexing = 64001\nkeeper = 64003",
                "three users",
            ),
            (
                "front = 0\nindexing = 64002\nkeeper = 64003",
                "must not name root",
            ),
            (
                "front = \"root\"\nindexing = 64002\nkeeper = 64003",
                "must not name root",
            ),
            (
                "front = \"nobody-of-this-name\"\nindexing = 64002\nkeeper = 64003",
                "there is no such user",
            ),
            ("front = 64001\nkeeper = 64003", "missing field"),
            (
                "front = 1\nindexing = 2\nkeeper = 3\nworker = 4",
                "unknown field",
            ),
        ] {
            let error = look_up(wrong).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_keeper_gets_no_further_group_and_the_desks_only_what_they_need() {
        let users = look_up("front = 64001\nindexing = 64002\nkeeper = 64003").unwrap();
        let line = |words: Vec<OsString>| words.join(" ".as_ref()).into_string().unwrap();
        assert_eq!(line(users.as_keeper()), "run-as --uid 64003 --gid 64003 --");
        assert_eq!(
            line(users.as_desk(Door::Research)),
            "run-as --uid 64001 --gid 64001 --group 64003 --"
        );
        assert_eq!(
            line(users.as_desk(Door::Indexing)),
            "run-as --uid 64002 --gid 64002 --group 64003 --group 64001 --"
        );
    }
}
