//! The front's side of the keeper's socket.

use std::path::{Path, PathBuf};

use governance::InRegister;
use protocol::dummy::Dummy;
use protocol::job::PracticeTable;
use protocol::keeper::{
    Cost, File, MESSAGE_MAX, NotedRefusal, Outcome, PIECE_MAX, Part, Priced, Refused, Reply,
    Request,
};
use protocol::posture::Tried;
use store::Progress;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::error::ServiceError;

/// The stage of a job that waits for a worker; its total is its number in the queue.
const WAITING: &str = "waiting for a place";

fn queued(position: u64) -> Progress {
    Progress {
        done: 0,
        total: position,
        stage: WAITING.into(),
    }
}

/// The number in the queue of a job that waits for a worker.
pub(crate) fn place_in_queue(progress: &Progress) -> Option<u64> {
    (progress.stage == WAITING).then_some(progress.total)
}

/// Where the keeper listens.
#[derive(Debug, Clone)]
pub struct Keeper {
    socket: PathBuf,
}

/// Who the keeper is.
#[derive(Debug, Clone)]
pub struct Hello {
    /// Build id.
    pub build: String,
    /// Verifier key of the log.
    pub vkey: String,
    /// Verifier key of manifests.
    pub manifest_vkey: String,
}

/// What the keeper destroyed.
#[derive(Debug, Clone)]
pub struct Destroyed {
    /// What was destroyed and how that was tried: JSON text.
    pub certificate: String,
    /// The signed note over project and SHA-256 of the certificate.
    pub note: String,
    /// Files that were deleted.
    pub files: u64,
    /// The last key epoch with the project's secrets.
    pub epoch_before: u64,
    /// The first without them.
    pub epoch_after: u64,
}

/// What a comparison with what has left by now found.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Outputs that had left, and screens that had shown something.
    pub with: InRegister,
    /// How many of the outputs it could not be compared with.
    pub unknown: u64,
    /// The output's report with what was found, if anything was.
    pub report: Option<File>,
}

/// What a keeper refused.
#[derive(Debug, Clone)]
pub struct RefusalList {
    /// Which keeper counts: another word for each start.
    pub keeper: String,
    /// The refusals, oldest first.
    pub refusals: Vec<NotedRefusal>,
}

impl Keeper {
    /// A keeper at a socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Asks who it is.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn hello(&self) -> Result<Hello, ServiceError> {
        match self.ask(&Request::Hello).await?.1 {
            Reply::Hello {
                build,
                vkey,
                manifest_vkey,
            } => Ok(Hello {
                build,
                vkey,
                manifest_vkey,
            }),
            other => Err(unexpected(other)),
        }
    }

    /// Sends the file of a queued load job.
    ///
    /// # Errors
    /// If the body breaks off, is too large, or the keeper refuses.
    pub async fn upload(
        &self,
        job: &str,
        body: impl AsyncRead + Unpin,
        bytes_max: u64,
    ) -> Result<File, ServiceError> {
        let request = Request::Upload {
            job: job.to_owned(),
        };
        let stream = self.begin(&request).await?;
        kept(send_body(stream, body, bytes_max).await?)
    }

    /// Has a queued job done; `progress` is told how far it is.
    ///
    /// # Errors
    /// If the keeper refuses or fails, or ends in the middle of it.
    pub async fn run(
        &self,
        job: &str,
        progress: impl Fn(Progress),
    ) -> Result<(Outcome, Cost), ServiceError> {
        let request = Request::Run {
            job: job.to_owned(),
        };
        let (mut stream, mut reply) = self.ask(&request).await?;
        loop {
            match reply {
                Reply::Progress { done, total, stage } => progress(Progress { done, total, stage }),
                Reply::Waiting { position } => progress(queued(position)),
                Reply::Done { outcome, cost } => return Ok((*outcome, cost)),
                other => return Err(unexpected(other)),
            }
            reply = read_reply(&mut stream).await?;
        }
    }

    /// What the keeper refused because the store holds no decision for it, after a number of its count.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn refusals(&self, after: u64) -> Result<RefusalList, ServiceError> {
        match self.ask(&Request::Refusals { after }).await?.1 {
            Reply::Refusals { keeper, refusals } => Ok(RefusalList { keeper, refusals }),
            other => Err(unexpected(other)),
        }
    }

    /// Has a file kept that a queued check makes of its output.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn keep(&self, job: &str, part: Part, bytes: &[u8]) -> Result<File, ServiceError> {
        let request = Request::Keep {
            job: job.to_owned(),
            part,
        };
        let stream = self.begin(&request).await?;
        let max = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        kept(send_body(stream, bytes, max).await?)
    }

    /// The bytes of a file of an output.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn fetch(&self, output: &str, part: Part) -> Result<Vec<u8>, ServiceError> {
        let request = Request::Fetch {
            output: output.to_owned(),
            part,
        };
        self.bytes(&request).await
    }

    /// The pairs of an indexing, for somebody who judges them now; at the indexing desk only.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn pairs(&self, indexing: &str, person: &str) -> Result<Vec<u8>, ServiceError> {
        let request = Request::Pairs {
            indexing: indexing.to_owned(),
            person: person.to_owned(),
        };
        self.bytes(&request).await
    }

    /// Has a dummy extract made up. No data is mounted for it.
    ///
    /// # Errors
    /// If the plan is not fit, or no worker can be sealed.
    pub async fn dummy(&self, plan: Dummy) -> Result<Vec<u8>, ServiceError> {
        self.bytes(&Request::Dummy { plan }).await
    }

    /// The bytes that follow the answer.
    async fn bytes(&self, request: &Request) -> Result<Vec<u8>, ServiceError> {
        let (mut stream, reply) = self.ask(request).await?;
        let Reply::Bytes { bytes } = reply else {
            return Err(unexpected(reply));
        };
        let size = usize::try_from(bytes).map_err(|_| ServiceError::strange())?;
        if size > MESSAGE_MAX {
            return Err(ServiceError::strange());
        }
        let mut all = Vec::with_capacity(size);
        while let Some(piece) = read_piece(&mut stream, PIECE_MAX).await? {
            if all.len() + piece.len() > size {
                return Err(ServiceError::strange());
            }
            all.extend_from_slice(&piece);
        }
        if all.len() == size {
            Ok(all)
        } else {
            Err(ServiceError::strange())
        }
    }

    /// Has the manifest of an approved project signed: the note and the manifest's SHA-256.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn sign_manifest(&self, project: &str) -> Result<(String, String), ServiceError> {
        let request = Request::SignManifest {
            project: project.to_owned(),
        };
        match self.ask(&request).await?.1 {
            Reply::Signed { note, sha256 } => Ok((note, sha256)),
            other => Err(unexpected(other)),
        }
    }

    /// Has a checkpoint of the log signed at its present size.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn sign_checkpoint(&self) -> Result<String, ServiceError> {
        match self.ask(&Request::SignCheckpoint).await?.1 {
            Reply::Signed { note, .. } => Ok(note),
            other => Err(unexpected(other)),
        }
    }

    /// Has a request under differential privacy priced. No data is mounted for it.
    ///
    /// # Errors
    /// If the request cannot be read or priced, or no worker can be sealed.
    pub async fn price(&self, request: &str) -> Result<Priced, ServiceError> {
        let request = Request::Price {
            request: request.to_owned(),
        };
        match self.ask(&request).await?.1 {
            Reply::Priced(priced) => Ok(priced),
            other => Err(unexpected(other)),
        }
    }

    /// Has a request answered over made-up tables. Gives JSON text.
    ///
    /// # Errors
    /// If the keeper refuses the request or cannot be reached.
    pub async fn practise(
        &self,
        request: &str,
        tables: Vec<PracticeTable>,
    ) -> Result<String, ServiceError> {
        let request = Request::Practise {
            request: request.to_owned(),
            tables,
        };
        match self.ask(&request).await?.1 {
            Reply::Practised { answer } => Ok(answer),
            other => Err(unexpected(other)),
        }
    }

    /// Has the measuring lane audited: whether every claim held, and what was found, as JSON text.
    ///
    /// # Errors
    /// If the keeper refuses or cannot be reached.
    pub async fn self_audit(&self, draws: u32) -> Result<(bool, String), ServiceError> {
        match self.ask(&Request::SelfAudit { draws }).await?.1 {
            Reply::SelfAudited { holds, findings } => Ok((holds, findings)),
            other => Err(unexpected(other)),
        }
    }

    /// Has an output between its check and its release compared with what has left by now.
    ///
    /// # Errors
    /// If the keeper refuses or fails: then it is not released.
    pub async fn compare(&self, output: &str) -> Result<Compared, ServiceError> {
        let request = Request::Compare {
            output: output.to_owned(),
        };
        match self.ask(&request).await?.1 {
            Reply::Compared {
                releases,
                screens,
                unknown,
                report,
            } => Ok(Compared {
                with: InRegister {
                    outputs: releases,
                    screens,
                },
                unknown,
                report,
            }),
            other => Err(unexpected(other)),
        }
    }

    /// Has everything that left attacked: what was recovered, as JSON text.
    ///
    /// # Errors
    /// If the keeper refuses or fails.
    pub async fn attack(&self) -> Result<String, ServiceError> {
        match self.ask(&Request::Attack).await?.1 {
            Reply::Attacked { recovered } => Ok(recovered),
            other => Err(unexpected(other)),
        }
    }

    /// Has every wall around workers tried, now.
    ///
    /// # Errors
    /// If no worker can be started at all.
    pub async fn posture(&self) -> Result<Vec<Tried>, ServiceError> {
        match self.ask(&Request::Posture).await?.1 {
            Reply::Posture { tried } => Ok(tried),
            other => Err(unexpected(other)),
        }
    }

    /// Has the secrets and sealed files of an ended project destroyed.
    ///
    /// # Errors
    /// If the keeper refuses or fails. Then ask again: what was begun is completed.
    pub async fn destroy(&self, project: &str) -> Result<Destroyed, ServiceError> {
        let request = Request::Destroy {
            project: project.to_owned(),
        };
        match self.ask(&request).await?.1 {
            Reply::Destroyed {
                certificate,
                note,
                files,
                epoch_before,
                epoch_after,
            } => Ok(Destroyed {
                certificate,
                note,
                files,
                epoch_before,
                epoch_after,
            }),
            other => Err(unexpected(other)),
        }
    }

    async fn begin(&self, request: &Request) -> Result<UnixStream, ServiceError> {
        let mut stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|_| ServiceError::KeeperGone)?;
        let json = serde_json::to_vec(request)?;
        write_piece(&mut stream, &json).await?;
        Ok(stream)
    }

    async fn ask(&self, request: &Request) -> Result<(UnixStream, Reply), ServiceError> {
        let mut stream = self.begin(request).await?;
        let reply = read_reply(&mut stream).await?;
        Ok((stream, reply))
    }
}

fn gone(_: std::io::Error) -> ServiceError {
    ServiceError::Interrupted
}

fn unexpected(reply: Reply) -> ServiceError {
    match reply {
        Reply::Refused(refused) => ServiceError::Keeper(refused),
        Reply::Hello { .. }
        | Reply::Kept { .. }
        | Reply::Done { .. }
        | Reply::Signed { .. }
        | Reply::Priced(_)
        | Reply::Practised { .. }
        | Reply::SelfAudited { .. }
        | Reply::Compared { .. }
        | Reply::Attacked { .. }
        | Reply::Posture { .. }
        | Reply::Destroyed { .. }
        | Reply::Progress { .. }
        | Reply::Waiting { .. }
        | Reply::Refusals { .. }
        | Reply::Bytes { .. } => ServiceError::strange(),
    }
}

fn kept(reply: Reply) -> Result<File, ServiceError> {
    match reply {
        Reply::Kept { file } => Ok(file),
        other => Err(unexpected(other)),
    }
}

async fn write_piece(stream: &mut UnixStream, bytes: &[u8]) -> Result<(), ServiceError> {
    let length = u32::try_from(bytes.len()).map_err(|_| ServiceError::strange())?;
    stream
        .write_all(&length.to_le_bytes())
        .await
        .map_err(gone)?;
    stream.write_all(bytes).await.map_err(gone)
}

async fn read_piece(stream: &mut UnixStream, max: usize) -> Result<Option<Vec<u8>>, ServiceError> {
    let mut length = [0_u8; 4];
    stream.read_exact(&mut length).await.map_err(gone)?;
    let length =
        usize::try_from(u32::from_le_bytes(length)).map_err(|_| ServiceError::strange())?;
    if length == 0 {
        return Ok(None);
    }
    if length > max {
        return Err(ServiceError::strange());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.map_err(gone)?;
    Ok(Some(bytes))
}

async fn read_reply(stream: &mut UnixStream) -> Result<Reply, ServiceError> {
    let bytes = read_piece(stream, MESSAGE_MAX)
        .await?
        .ok_or_else(ServiceError::strange)?;
    serde_json::from_slice(&bytes).map_err(|_| ServiceError::strange())
}

/// Sends a body piece by piece. When the keeper stops reading, its reply says why.
async fn send_body(
    mut stream: UnixStream,
    mut body: impl AsyncRead + Unpin,
    bytes_max: u64,
) -> Result<Reply, ServiceError> {
    let mut piece = vec![0; PIECE_MAX];
    let mut sent = 0_u64;
    loop {
        let n = body.read(&mut piece).await.map_err(|_| {
            ServiceError::BadInput("the file broke off before its end; nothing was kept".into())
        })?;
        sent = sent.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        if sent > bytes_max {
            return Err(ServiceError::Keeper(Refused {
                code: protocol::keeper::RefusedCode::Limit,
                message: format!(
                    "the file is larger than {bytes_max} bytes (delivery_mib in policies/limits.toml)"
                ),
                row: None,
                column: None,
            }));
        }
        let full = piece.get(..n).unwrap_or_default();
        let broken = write_piece(&mut stream, full).await.is_err();
        if n == 0 || broken {
            return read_reply(&mut stream).await;
        }
    }
}
