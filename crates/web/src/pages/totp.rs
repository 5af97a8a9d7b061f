//! Second factor: six digits that change every thirty seconds (RFC 6238), each accepted once.

use governance::Timestamp;
use qrcode::QrCode;
use qrcode::render::svg;
use ring::rand::{SecureRandom, SystemRandom};
use service::ServiceError;
use totp_rs::{Builder, Secret, Totp};

/// Bytes of a secret (RFC 4226 recommends 160 bits).
const SECRET_BYTES: usize = 20;
/// Name that the authenticator app shows.
const ISSUER: &str = "Strongroom";

/// A secret that somebody is shown once.
pub(crate) struct Shown {
    /// In base32, to be typed in.
    pub(crate) secret: String,
    /// As a QR code in SVG.
    pub(crate) picture: String,
}

fn totp(secret: &[u8], name: &str) -> Result<Totp, ServiceError> {
    Builder::new()
        .with_secret(Secret::new(secret.into()))
        .with_account_name(name)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|_| ServiceError::BadInput("the key of the authenticator app is not valid".into()))
}

/// A fresh secret.
///
/// # Errors
/// If the operating system gives no randomness.
pub(crate) fn fresh() -> Result<Vec<u8>, ServiceError> {
    let mut secret = vec![0_u8; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| ServiceError::NoRandomness)?;
    Ok(secret)
}

/// A secret as somebody is shown it.
///
/// # Errors
/// If it is not one.
pub(crate) fn show(secret: &[u8], name: &str) -> Result<Shown, ServiceError> {
    let totp = totp(secret, name)?;
    let unfit = |_| ServiceError::BadInput("the key does not fit into a picture".into());
    let url = totp.to_url().map_err(|_| {
        ServiceError::BadInput("the sign-in name does not fit into a picture".into())
    })?;
    let code = QrCode::new(url.as_bytes()).map_err(unfit)?;
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(224, 224)
        .build();
    // In a page it stands without its XML declaration and says what it is.
    let drawing = svg
        .find("<svg")
        .and_then(|at| svg.get(at..))
        .unwrap_or_default();
    let picture = drawing.replacen(
        "<svg",
        r#"<svg class="strongroom-qr" role="img" aria-label="QR code with the key for the authenticator app""#,
        1,
    );
    Ok(Shown {
        secret: totp.secret().to_base32(),
        picture,
    })
}

/// A secret that came back from a form.
///
/// # Errors
/// If it is not base32 of the right length.
pub(crate) fn read(base32: &str) -> Result<Vec<u8>, ServiceError> {
    let secret = Secret::try_from_base32(base32).map_err(|_| {
        ServiceError::BadInput("the key of the authenticator app is not valid".into())
    })?;
    let bytes = secret.as_bytes().to_vec();
    totp(&bytes, "name")?;
    Ok(bytes)
}

/// The step of a right code: one that is shown now, just before or just after.
pub(crate) fn step(secret: &[u8], code: &str, at: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(at.as_second()).ok()?;
    let step = totp(secret, "name").ok()?.check(&digits, seconds)?;
    i64::try_from(step).ok()
}

/// An authenticator for people who do not exist: a rehearsal shows its codes, as their telephones would.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// With a fresh secret.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn fresh() -> Result<Self, ServiceError> {
        fresh().map(Self)
    }

    /// The secret, for [`service::NewCredential`].
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.0
    }

    /// The secret in base32, as an authenticator app takes it.
    #[must_use]
    pub fn key(&self) -> String {
        Secret::new(self.0.as_slice().into()).to_base32()
    }

    /// The code that is shown at a moment.
    ///
    /// # Errors
    /// Never with a fresh secret.
    pub fn code(&self, at: Timestamp) -> Result<String, ServiceError> {
        let seconds = u64::try_from(at.as_second()).map_err(|_| ServiceError::ClockBackwards)?;
        Ok(totp(&self.0, "name")?.generate(seconds).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_published_codes_are_right_at_their_times() {
        let secret = b"12345678901234567890";
        for (second, code) in [
            (59_i64, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = Timestamp::from_second(second).unwrap();
            assert_eq!(step(secret, code, at), Some(second / 30), "{second}");
            let later = Timestamp::from_second(second + 90).unwrap();
            assert_eq!(step(secret, code, later), None, "{second}");
        }
    }

    #[test]
    fn a_shown_secret_comes_back_from_the_form() {
        let secret = fresh().unwrap();
        let shown = show(&secret, "rowan").unwrap();
        assert_eq!(read(&shown.secret).unwrap(), secret);
        assert!(
            shown.picture.starts_with("<svg class="),
            "{}",
            shown.picture
        );
        assert!(read("AAAA").is_err(), "too short");
    }
}
