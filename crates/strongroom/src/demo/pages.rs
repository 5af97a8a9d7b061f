//! `demo --serve`: after the story the pages stay up, with everybody of the story to sign in as.

use std::path::Path;
use std::time::Duration;

use service::NewCredential;
use tokio::signal::unix::{SignalKind, signal};
use web::Authenticator;

use super::cast::Cast;
use super::settings;
use super::teller::line;
use crate::config::{INDEXING_PAGES, Listen, PAGES};
use crate::house::House;
use crate::keeping::Logs;
use crate::problem::Problem;

/// Seconds for which a code is shown (RFC 6238).
const STEP_S: i64 = 30;
/// One password for everybody: they do not exist, and neither does what they protect.
const PASSWORD: &str = "made up for the demo";

/// Opens the safe haven of the story again and keeps it open until it is interrupted.
pub(super) async fn keep_open(root: &Path, cast: &Cast) -> Result<(), Problem> {
    let mut settings = settings(root);
    settings.listen = Listen::AtOrNear(PAGES);
    settings.indexing_listen = Listen::AtOrNear(INDEXING_PAGES);
    let mut house = House::start(&settings, Logs::Faults).await?;
    let authenticator = Authenticator::fresh()?;
    let phc = web::password_hash(PASSWORD)?;
    for person in cast.everybody() {
        let caller = house.service().sign_in(person.token).await?;
        let new = NewCredential {
            name: person.sign_in_name(),
            phc: phc.clone(),
            totp: authenticator.secret().to_vec(),
            totp_step: 0,
        };
        house.service().set_credential(&caller, new).await?;
    }
    let told = tell(&house, cast, &authenticator);
    let ended = match told {
        Ok(()) => wait(&mut house, &authenticator).await,
        Err(problem) => Err(problem),
    };
    house.stop().await;
    ended
}

fn tell(house: &House, cast: &Cast, authenticator: &Authenticator) -> Result<(), Problem> {
    let Some(pages) = house.pages() else {
        return Err(Problem::could_not(
            "the pages found no free port on this machine",
        ));
    };
    line("")?;
    line(&format!("The pages are open: http://{pages}"))?;
    if let Some(indexing) = house.indexing_pages() {
        line(&format!(
            "The indexing desk is a place of its own: http://{indexing}"
        ))?;
    }
    line("")?;
    line(
        "Sign in as anybody of the story; nobody here exists, and everybody has the same password.",
    )?;
    line("")?;
    line(&format!("  {:<14} who", "sign-in name"))?;
    for person in cast.everybody() {
        line(&format!("  {:<14} {}", person.sign_in_name(), person.name))?;
    }
    line("")?;
    line(&format!("  password       {PASSWORD}"))?;
    line(&format!("  app key        {}", authenticator.key()))?;
    line("")?;
    line("Where to look first:")?;
    line("  rowan      Projects: the one in force, and its workspace to ask in")?;
    line("  zofia      Outputs: what she reviewed, with the people behind each cell")?;
    line("  jean       Log: every act, and whether it still proves itself")?;
    line("  nobody     the public register, without signing in")?;
    line("Then take an application of your own through: the README's first ten minutes.")?;
    line("")
}

/// Shows each code until it ends.
async fn wait(house: &mut House, authenticator: &Authenticator) -> Result<(), Problem> {
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|_| Problem::could_not("signals cannot be listened to"))?;
    loop {
        let now = jiff::Timestamp::now();
        let left = STEP_S - now.as_second().rem_euclid(STEP_S);
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(left))
            .map_err(|_| Problem::could_not("the clock is at its end"))?;
        line(&format!(
            "code for everybody until {} UTC: {}   (Ctrl-C ends)",
            until.strftime("%H:%M:%S"),
            authenticator.code(now)?
        ))?;
        let next = Duration::from_secs(u64::try_from(left).unwrap_or(30));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            problem = house.broken() => return Err(problem),
            () = tokio::time::sleep(next) => {}
        }
    }
}
