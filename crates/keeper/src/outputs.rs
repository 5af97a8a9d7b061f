//! Files of outputs: kept once, given out only as the store records them.

use std::io::Read;

use governance::delivery::SealedFile;
use governance::job::Task;
use governance::output::Output;
use governance::{Action, Lifecycle, OutputId};
use protocol::keeper::{File, Part, Refused};
use tokio::io::AsyncRead;
use vault::Purpose;

use crate::error::{by_rule, internal, no, not_permitted};
use crate::halt::Halt;
use crate::rooms::{part_name, part_words};
use crate::seal::{Checked, KeptAs, Sealed};
use crate::server::Keeper;
use crate::upload::receive;

/// Most bytes of a file of an output.
pub(crate) const OUTPUT_BYTES_MAX: u64 = 64 << 20;

impl Keeper {
    /// Keeps a file that a queued check makes of its staged output, once.
    pub(crate) async fn keep(
        &self,
        job: &str,
        part: Part,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<File, Refused> {
        let (job, core, _) = self.desk()?.queued(job).await?;
        let Task::Check { output } = &core.task else {
            return Err(not_permitted("only a check makes files of an output"));
        };
        let output = self.output(output.as_str()).await?;
        let Output::Staged { core } = &output else {
            let wrong = Action::CompleteCheck.wrong_state(Output::KIND, output.state());
            return Err(by_rule(wrong));
        };
        match part {
            Part::Exact | Part::Treated | Part::Report => {}
            Part::Reviewed => {
                return Err(not_permitted(
                    "what is reviewed is a kept file and is not kept again",
                ));
            }
        }
        let name = part_name(core.id.as_str(), part, job.as_str());
        if self.rooms.sealed.join(&name).exists() {
            return Err(not_permitted("this file was kept already"));
        }
        let secret = self.custody.make(core.project.as_str(), Purpose::Output)?;
        let over = format!("a file of an output has at most {OUTPUT_BYTES_MAX} bytes");
        receive(
            &self.rooms.sealed,
            &name,
            secret,
            body,
            OUTPUT_BYTES_MAX,
            &over,
        )
        .await
    }

    /// The bytes of a file of an output, whole and as recorded. Whoever asks holds a place for as long as they
    /// hold the bytes.
    pub(crate) async fn fetch(&self, output: &str, part: Part) -> Result<Vec<u8>, Refused> {
        let output = self.output(output).await?;
        let record = recorded(&output, part)
            .ok_or_else(|| by_rule(Action::ViewOutput.wrong_state(Output::KIND, output.state())))?;
        if record.bytes > OUTPUT_BYTES_MAX {
            return Err(no(
                protocol::keeper::RefusedCode::Limit,
                format!("a file of an output has at most {OUTPUT_BYTES_MAX} bytes"),
            ));
        }
        let core = output.core();
        if let Some(handed) = &core.handed_over {
            self.books.may_have_changed_hands(&output, handed).await?;
        }
        let kept_as = KeptAs::new(core.id.as_str(), part_words(part));
        let sealed = Sealed::kept(record, kept_as, core.project.as_str(), Purpose::Output)?;
        let reader = sealed.open(
            &self.custody,
            &self.rooms.uploads,
            &self.rooms.sealed,
            &Halt::default(),
        )?;
        tokio::task::spawn_blocking(move || whole(reader, OUTPUT_BYTES_MAX))
            .await
            .map_err(|_| internal("the file could not be opened"))?
    }

    async fn output(&self, id: &str) -> Result<Output, Refused> {
        let id: OutputId = id
            .parse()
            .map_err(|_| not_permitted("not a valid output id"))?;
        self.books.get(id.as_str()).await
    }
}

/// All of a sealed file that has at most so many bytes.
pub(crate) fn whole(mut reader: Checked, bytes_max: u64) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    // The end is given only after the digest was compared.
    (&mut reader)
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            tracing::error!(error = %error, "a sealed file is not as recorded");
            internal("the file is not the one on record")
        })?;
    if bytes.len() as u64 > bytes_max {
        return Err(internal("the file is not the one on record"));
    }
    Ok(bytes)
}

/// The file that the output's state names for a part.
pub(crate) fn recorded(output: &Output, part: Part) -> Option<&SealedFile> {
    let (checked, reviewed) = match output {
        Output::Staged { .. }
        | Output::Uncheckable { .. }
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => return None,
        Output::Checked { checked, .. } | Output::ChangesRequested { checked, .. } => {
            (Some(checked), None)
        }
        Output::UnderReview(review) => (Some(&review.checked), Some(&review.file)),
        Output::Approved(approved) => (Some(&approved.checked), Some(&approved.file)),
        Output::Released(released) => (None, Some(&released.file)),
    };
    match part {
        Part::Exact => checked.map(|c| &c.exact),
        Part::Treated => checked.and_then(|c| c.treated.as_ref()),
        Part::Report => checked.map(|c| &c.report),
        Part::Reviewed => reviewed,
    }
}
